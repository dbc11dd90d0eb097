"""Telling whether a file is the one that was read before: by keyed hashes of its content, never by its inode alone.

Inodes are used again, and device numbers change over a reboot. A file is the same when its first bytes are, and those
before the place where reading is to go on: the second half also finds what was truncated and has grown past that place.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

HEAD_BYTES = 1024
TAIL_BYTES = 256

Peek = Callable[[int, int], bytes]
"""(offset, length) -> bytes of a file, fewer at its end."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where reading of a file goes on, and how to know the file again.

    `path` is as `spelled` gives it. `tail` stands for the `tail_length` bytes before `tail_end`, which is `offset` or a little
    before it; `seen` is in seconds since 1970.
    """

    path: str
    device: int
    inode: int
    offset: int
    head_length: int
    head: bytes
    tail_end: int
    tail_length: int
    tail: bytes
    seen: float


def spelled(path: Path) -> str:
    """*path* as text that can be written down: bytes of it that are no UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def digest(key: bytes, data: bytes) -> bytes:
    """Sixteen bytes that stand for *data*, and tell nothing of it without *key*."""
    return hashlib.blake2b(data, digest_size=16, key=key).digest()


def matches(key: bytes, peek: Peek, position: Position) -> bool:
    """Whether the file that *peek* reads is the one of *position*, with nothing before its offset changed."""
    head = peek(0, position.head_length)
    if len(head) < position.head_length or digest(key, head) != position.head:
        return False
    tail = peek(position.tail_end - position.tail_length, position.tail_length)
    return digest(key, tail) == position.tail
