"""The content-addressed store of all bytes ever received (Art. 9(3): kept for ever).

Here belong writing bytes so that they survive a crash, and reading them back verified. Nothing is ever
deleted or overwritten; what the bytes mean is not known here.
"""

import hashlib
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ingestion import durable

BLOCK = 1 << 20


class ArchiveDamaged(Exception):
    """Bytes that the ledger names are missing or differ from their sha256: restore them from a copy."""


class Archive:
    """``root/<first two digits>/<sha256>``: one file per distinct content.

    What is put is neither durable nor to be read before ``keep``, which does it for all files put so far: the
    disk writes many files at once nearly as fast as one.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts: dict[str, Path] = {}
        root.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def put(self, source: Path) -> tuple[str, int]:
        """Take in one file; returns its sha256 and size in bytes."""
        with source.open("rb") as stream:
            return self.put_blocks(iter(lambda: stream.read(BLOCK), b""))

    def put_blocks(self, blocks: Iterable[bytes]) -> tuple[str, int]:
        """Take in what comes in blocks, as ``put`` does."""
        digest, size = hashlib.sha256(), 0
        path = self.root / f".part-{uuid.uuid4().hex}"
        with path.open("xb") as part:
            try:
                for block in blocks:
                    digest.update(block)
                    size += len(block)
                    part.write(block)
            except BaseException:
                path.unlink()  # a bomb that was stopped must not fill the disk all the same
                raise
        sha256 = digest.hexdigest()
        if sha256 in self._parts:
            path.unlink()
        else:
            self._parts[sha256] = path
        return sha256, size

    def clear(self) -> None:
        """Remove what a crash left half put; for whoever alone may put."""
        for part in self.root.glob(".part-*"):
            part.unlink()

    def keep(self) -> None:
        """Make everything durable that was put: first the bytes, then their names, then the folders."""
        parts, self._parts = self._parts, {}
        targets = {part: self.path(sha256) for sha256, part in parts.items()}
        durable.fsync(targets)
        folders = {target.parent for target in targets.values()}
        if new := [folder for folder in folders if not folder.exists()]:
            for folder in new:
                folder.mkdir()
            durable.fsync([self.root])
        for part, target in targets.items():
            with suppress(FileExistsError):  # the same content was kept before
                target.hardlink_to(part)
            part.unlink()
        durable.fsync(folders)

    def read(self, sha256: str) -> bytes:
        """The bytes with this digest. Raises ``ArchiveDamaged`` when they are missing or altered."""
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise ArchiveDamaged(f"archive: {sha256} is missing; restore it from a copy") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArchiveDamaged(f"archive: {sha256} was altered; restore it from a copy")
        return content
