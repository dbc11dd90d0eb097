"""Audit events as found, sorted by chain: what is sound by its own hash, what is not, and what came twice.

Events that stand in order, as in our files, cost 32 bytes each; those from anywhere else some hundreds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from sanitizer.audit.chain import sealed
from sanitizer.audit.event import AuditEvent
from sanitizer.hashing import canonical
from sanitizer.protocol.payload import UnreadableError, parse

_FIELDS = frozenset(field.name for field in msgspec.structs.fields(AuditEvent))
_MARKS = ("chain", "seq", "prev", "hash")
_TELLING = frozenset(("checkpoint", "records_retired"))
_DIGEST_BYTES = 32
_MAX_WRAPPERS = 6
_MAX_RUNS = 10_000
_MAX_EXPLAINED = 10_000


class Link(NamedTuple):
    """A sound event as the chain sees it."""

    prev: bytes
    hash: bytes
    where: str


class Unsound(NamedTuple):
    """An event that is not what its hash says. *body* is None where there are too many to look into each."""

    seq: int
    body: Mapping[str, Any] | None
    hash: str
    where: str


class _Seal(msgspec.Struct):
    chain: str
    seq: int
    prev: str
    hash: str
    type: str = ""


class Run:
    """Sound events each of which follows the one before, on line after line of a file."""

    __slots__ = ("_file", "_line", "first", "hashes", "prev")

    def __init__(self, seq: int, link: Link) -> None:
        self.first = seq
        self.prev = link.prev
        self.hashes = bytearray(link.hash)
        self._file, self._line = _place(link.where)

    @property
    def last(self) -> int:
        return self.first + len(self.hashes) // _DIGEST_BYTES - 1

    def hash(self, seq: int) -> bytes:
        at = (seq - self.first) * _DIGEST_BYTES
        return bytes(self.hashes[at : at + _DIGEST_BYTES])

    def link(self, seq: int) -> Link:
        """The event *seq*, which is in here."""
        prev = self.prev if seq == self.first else self.hash(seq - 1)
        return Link(prev, self.hash(seq), f"{self._file}{self._line + seq - self.first}" if self._line else self._file)

    def extend(self, seq: int, link: Link) -> bool:
        """Take the event in, if it is the next."""
        if link.prev != self.hashes[-_DIGEST_BYTES:] or seq != self.last + 1:
            return False
        if _place(link.where) != (self._file, self._line + seq - self.first if self._line else 0):
            return False
        self.hashes += link.hash
        return True


class Evidence:
    """What is known of one chain. `loose` are sound events by number that stand in no run, `kept` the content of checkpoints and
    of deletions by number and hash."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.loose: dict[int, list[Link]] = {}
        self.unsound: list[Unsound] = []
        self.kept: dict[tuple[int, bytes], bytes] = {}
        self.duplicates = 0
        self.displaced = 0
        self._latest = 0

    @property
    def size(self) -> int:
        """How many sound events there are."""
        return sum(len(run.hashes) // _DIGEST_BYTES for run in self.runs) + sum(map(len, self.loose.values()))

    def take(self, seq: int, link: Link) -> bool:
        """Take a sound event; False where it is there already."""
        self.displaced += seq < self._latest
        self._latest = seq
        if self.runs and seq not in self.loose and self.runs[-1].extend(seq, link):
            return True
        if any(known.hash == link.hash for known in self.at(seq)):
            self.duplicates += 1
            return False
        if len(self.runs) < _MAX_RUNS and (not self.runs or seq > self.runs[-1].last):
            self.runs.append(Run(seq, link))
        else:
            self.loose.setdefault(seq, []).append(link)
        return True

    def at(self, seq: int) -> list[Link]:
        """The sound events with this number."""
        low, high = 0, len(self.runs)
        while low < high:  # runs stand in order and do not overlap
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.runs[middle].last < seq else (low, middle)
        found = self.loose.get(seq, [])
        if low < len(self.runs) and self.runs[low].first <= seq:
            return [self.runs[low].link(seq), *found]
        return found


def gather(lines: Iterable[tuple[str, bytes]]) -> tuple[dict[str, Evidence], list[str]]:
    """The events in *lines* (where each stands, and its text) by chain, and where there is no JSON.

    Events may be wrapped in other JSON, as stores do; JSON without one is passed over.
    """
    chains: dict[str, Evidence] = {}
    unreadable: list[str] = []
    read = msgspec.json.Decoder(_Seal).decode
    for where, line in lines:
        if sealed(line) is not None:
            try:
                seal = read(line)
                link = Link(bytes.fromhex(seal.prev), bytes.fromhex(seal.hash), where)
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
                pass
            else:
                if seal.seq > 0 and len(link.prev) == _DIGEST_BYTES:
                    evidence = chains.get(seal.chain)
                    if evidence is None:
                        evidence = chains[seal.chain] = Evidence()
                    if evidence.take(seal.seq, link) and seal.type in _TELLING:
                        evidence.kept[seal.seq, link.hash] = line
                    continue
        try:
            found = list(_events(parse(line), 0)) if line else []
        except UnreadableError:
            unreadable.append(where)
            continue
        for event in found:
            _take(chains.setdefault(str(event.get("chain")), Evidence()), event, where)
    return chains, unreadable


def digest(body: Mapping[str, Any]) -> str:
    """The hash of an event without its own."""
    return hashlib.sha256(canonical(body)).hexdigest()


def _events(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The audit events in *value*, whatever they are wrapped in."""
    if isinstance(value, dict):
        if sum(mark in value for mark in _MARKS) >= len(_MARKS) - 1:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list) and depth < _MAX_WRAPPERS:
        for item in value:
            yield from _events(item, depth + 1)
    elif isinstance(value, str) and value.startswith("{") and '"prev"' in value:
        try:
            yield from _events(parse(value.encode()), depth + 1)
        except UnreadableError:
            return


def _take(chain: Evidence, event: dict[str, Any], where: str) -> None:
    seq = event.get("seq")
    number = seq if isinstance(seq, int) and not isinstance(seq, bool) and seq > 0 else 0
    stated = event.pop("hash", None)
    body = event
    is_sound = stated == digest(body)
    if not is_sound and body.keys() - _FIELDS:
        # A store may have added fields beside ours.
        body = {name: item for name, item in event.items() if name in _FIELDS}
        is_sound = stated == digest(body)
    prev = _bytes(body.get("prev"))
    if not is_sound or not number or prev is None:
        chain.unsound.append(Unsound(number, body if len(chain.unsound) < _MAX_EXPLAINED else None, str(stated), where))
        return
    link = Link(prev, bytes.fromhex(str(stated)), where)
    if chain.take(number, link) and body.get("type") in _TELLING:
        chain.kept[number, link.hash] = canonical(body)


def _bytes(text: object) -> bytes | None:
    try:
        found = bytes.fromhex(text) if isinstance(text, str) and len(text) == 2 * _DIGEST_BYTES else None
    except ValueError:
        return None
    return found


def _place(where: str) -> tuple[str, int]:
    """The file and line that *where* says, with the colon or blank between them; 0 where it says none."""
    name = where.rstrip("0123456789")
    return (name, int(where[len(name) :])) if name != where and name else (where, 0)
