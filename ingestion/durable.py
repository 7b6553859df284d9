"""What is on the disk to stay: files and folders that survive a loss of power.

Here belongs the one way to wait for the disk. Keep out what is written, and under which name.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WRITERS = 8


def fsync(paths: Iterable[Path]) -> None:
    """Wait until these files and folders are on the disk. It takes many at once nearly as fast as one."""
    with ThreadPoolExecutor(max_workers=WRITERS) as disk:
        list(disk.map(_fsync, paths))


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
