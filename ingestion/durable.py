"""What is on the disk to stay: files and folders that survive a loss of power.

Here belong the one way to wait for the disk, and files that are whole or not there. Keep out what is written, and
under which name.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
WRITERS = 8


def at_once(action: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Do for each what waits for the disk: it takes many at once nearly as fast as one. Raises the first error."""
    work = list(items)
    shares = [work[first::WRITERS] for first in range(WRITERS)]  # a task an item would cost more than the item
    with ThreadPoolExecutor(max_workers=WRITERS) as disk:
        list(disk.map(lambda share: [action(item) for item in share], shares))


def fsync(paths: Iterable[Path]) -> None:
    """Wait until these files and folders are on the disk."""
    at_once(_fsync, paths)


def write(contents: Mapping[Path, bytes], *, to_stay: bool) -> None:
    """Each file whole or not at all; where they are ``to_stay``, on the disk before any has its name."""
    for folder in {path.parent for path in contents}:
        folder.mkdir(parents=True, exist_ok=True)
    parts = {path: path.with_name(f".{path.name}.part") for path in contents}
    for path, part in parts.items():
        part.write_bytes(contents[path])
    if to_stay:
        fsync(parts.values())
    at_once(lambda path: parts[path].replace(path), parts)  # to take an older file's place waits for the disk too


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
