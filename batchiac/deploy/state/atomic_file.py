"""Writes a file such that a crash leaves the old content or the new one, whole, and nothing beside it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: Path, text: str, *, through: Path | None = None) -> None:
    """Replace the file's content.

    The folder is flushed only for a file that is new: without it a power cut may bring back the content before, whole,
    and flushing twice doubles the time of every step.

    Args:
        through: an existing folder of the same disk for the file that is renamed, where one in the file's own folder
            would be taken for something else; the file's own by default.

    Raises:
        OSError: the content is as it was.
    """
    is_new = not path.exists()
    beside = (through or path.parent) / f".{path.name}.{os.getpid()}.tmp"
    with _removed_on_error(beside):
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    # Pulumi's file library keeps the file's MD5 beside it; an old one would be wrong from now on.
    path.with_name(path.name + ".attrs").unlink(missing_ok=True)
    if is_new:
        with _removed_on_error(path):
            flush_folder(path.parent)


def copy_atomically(source: Path, target: Path) -> None:
    """Copy a file as it is.

    Raises:
        OSError: the target is as it was.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with _removed_on_error(beside):
        beside.write_bytes(source.read_bytes())
        beside.replace(target)


def flush_folder(folder: Path) -> None:
    """Have the disk know the folder's files by name."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise
