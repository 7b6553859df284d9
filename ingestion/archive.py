"""The content-addressed store of all bytes ever received (Art. 9(3): kept for ever).

Here belong writing bytes so that they survive a crash, and reading them back verified. Nothing is ever
deleted or overwritten; what the bytes mean is not known here.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

BLOCK = 1 << 20


class ArchiveDamaged(Exception):
    """Bytes that the ledger names are missing or differ from their sha256: restore them from a copy."""


class Archive:
    """``root/<first two digits>/<sha256>``: one file per distinct content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def put(self, source: Path) -> tuple[str, int]:
        """Store one file; returns its sha256 and size in bytes. Durable when it returns."""
        with source.open("rb") as stream:
            return self.put_blocks(iter(lambda: stream.read(BLOCK), b""))

    def put_blocks(self, blocks: Iterable[bytes]) -> tuple[str, int]:
        """Store what comes in blocks, as ``put`` does."""
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self.root, prefix=".part-", delete=False) as part:
            try:
                for block in blocks:
                    digest.update(block)
                    size += len(block)
                    part.write(block)
                part.flush()
                os.fsync(part.fileno())
            except BaseException:
                Path(part.name).unlink()  # a bomb that was stopped must not fill the disk all the same
                raise
        sha256 = digest.hexdigest()
        target = self.path(sha256)
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _fsync_folder(self.root)
        with suppress(FileExistsError):  # the same content was kept before
            target.hardlink_to(part.name)
        Path(part.name).unlink()
        _fsync_folder(target.parent)
        return sha256, size

    def read(self, sha256: str) -> bytes:
        """The bytes with this digest. Raises ``ArchiveDamaged`` when they are missing or altered."""
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise ArchiveDamaged(f"archive: {sha256} is missing; restore it from a copy") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArchiveDamaged(f"archive: {sha256} was altered; restore it from a copy")
        return content


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
