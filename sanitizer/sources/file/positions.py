"""Where reading of each lane goes on, and which file that is."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from sanitizer.sources.file.fingerprint import HEAD_BYTES, Position, digest, matches, spelled
from sanitizer.sources.file.rotated import originals
from sanitizer.sources.file.tracked import TrackedFile
from sanitizer.sources.options import Checkpoints

Key = TypeVar("Key", int, str)

_log = logging.getLogger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Position).decode


class Positions:
    """Positions of lanes whose files are not open: of earlier runs, and of files that were read to their end.

    `first_run` says that there never was an earlier run. Positions are kept for *forget_secs* after the file was last seen,
    since a file may be away for a while, or come back compressed.
    """

    def __init__(self, prefix: str, checkpoints: Checkpoints, forget_secs: float) -> None:
        self._prefix = f"{prefix}:"
        self._checkpoints = checkpoints
        self._forget_secs = forget_secs
        self._positions: dict[str, Position] = {}
        self._by_inode: dict[int, set[str]] = {}
        self._by_path: dict[str, set[str]] = {}
        self.first_run = True
        self.key = self._load_key(f"{prefix}#key")
        for lane, saved in checkpoints.load(self._prefix).items():
            try:
                self.keep(lane, _decode(saved))
            except msgspec.MsgspecError:
                _log.warning("a saved position is damaged; its file is read from the start")
                checkpoints.forget(lane)

    def __iter__(self) -> Iterator[Position]:
        return iter(list(self._positions.values()))

    def clear(self) -> None:
        """Know nothing of earlier runs."""
        for lane in list(self._positions):
            self.take(lane)

    def find(self, file: TrackedFile) -> tuple[str, Position] | None:
        """The lane and position that *file* goes on with, if it was read before."""
        lanes = set(self._by_inode.get(file.identity[1], ()))
        for name in originals(file.path.name):
            lanes |= self._by_path.get(spelled(file.path.parent / name), set())
        for lane in sorted(lanes):
            if is_same(self.key, file, self._positions[lane]):
                return lane, self._positions[lane]
        return None

    def new_lane(self, file: TrackedFile, generation: int) -> str:
        """A name for what *file* holds: the same after a crash before anything was saved."""
        facts = b"%d:%d:%d:" % (*file.identity, generation)
        return self._prefix + digest(self.key, facts + file.first_line).hex()

    def keep(self, lane: str, position: Position) -> None:
        """*lane* has no open file any more."""
        self._positions[lane] = position
        self._by_inode.setdefault(position.inode, set()).add(lane)
        self._by_path.setdefault(position.path, set()).add(lane)

    def take(self, lane: str) -> None:
        """*lane* has an open file again."""
        if position := self._positions.pop(lane, None):
            _discard(self._by_inode, position.inode, lane)
            _discard(self._by_path, position.path, lane)

    def save(self, file: TrackedFile) -> None:
        """Remember how far *file* is safe."""
        self._checkpoints.save(file.lane, _encode(file.position(self.key)))

    def forget_old(self) -> None:
        """Drop the positions of files that were not seen for long."""
        oldest = time.time() - self._forget_secs
        for lane, position in list(self._positions.items()):
            if position.seen < oldest:
                self.take(lane)
                self._checkpoints.forget(lane)

    def _load_key(self, name: str) -> bytes:
        key = self._checkpoints.load(name).get(name)
        self.first_run = key is None and self._checkpoints.intact
        if key is None or len(key) != 32:
            key = os.urandom(32)
            self._checkpoints.save(name, key)
        return key


def is_same(key: bytes, file: TrackedFile, position: Position) -> bool:
    """Whether *file* holds what was read up to *position*; its inode or its name has been found to fit.

    The same inode and content is the same file. Elsewhere (a copy, another device number after a reboot, a compressed file)
    enough must have been read to tell two logs apart that begin alike: reading a kilobyte twice is better than leaving one out.
    """
    if file.identity[1] != position.inode and position.offset < HEAD_BYTES:
        return False
    return matches(key, file.peek, position)


def _discard(index: dict[Key, set[str]], key: Key, lane: str) -> None:
    index[key].discard(lane)
    if not index[key]:
        del index[key]
