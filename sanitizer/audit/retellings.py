"""Calls that were told already: a log that is read again, as after a crash, speaks of the same calls once more.

What a call is known by is the place in its log where it was answered, or asked if it never was, which no second reading changes.
What is said there has to be the same too: should a log have been replaced by another, nothing of that was told yet. Hashes of
params do not count, since keys change.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sanitizer.audit.event import AuditEvent


class Told(msgspec.Struct, frozen=True, gc=False):
    """The part of an event that a second reading gives again."""

    type: str = ""
    lane: str = ""
    request_at: int | None = None
    response_at: int | None = None
    response_lane: str = ""
    id: int | str | None = None
    id_type: str = ""
    outcome: str = ""
    code: int | None = None
    method: str = ""
    tool: str = ""
    request_bytes: int = 0
    response_bytes: int = 0

    @property
    def at(self) -> int | None:
        """Where the call ended, as far as its log says; None where it comes from no log."""
        return (self.request_at if self.response_at is None else self.response_at) if self.type == "call" else None

    @property
    def last_lane(self) -> str:
        """The lane where the call ended."""
        return self.response_lane or self.lane


class _Lane(msgspec.Struct):
    last: int
    """The furthest place of which anything was told."""
    asked: dict[int, int]
    """What was asked, by how it ended and where, both as hashes; 0 where only the answer is known."""


class Retellings:
    """The calls of sealed events, *lines*, each to be known once when it is told again. A lane that goes on beyond is forgotten."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self._lanes: dict[str, _Lane] = {}
        read = msgspec.json.Decoder(Told).decode
        for line in lines:
            try:
                told = read(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if (at := told.at) is not None:
                lane = self._lanes.setdefault(told.last_lane, _Lane(at, {}))
                lane.last = max(lane.last, at)
                lane.asked[_ended(told)] = _asked(told)

    def __len__(self) -> int:
        return sum(len(lane.asked) for lane in self._lanes.values())

    def take(self, event: AuditEvent) -> bool:
        """Whether the call of *event* was told before. Where only its answer was read again, that is enough."""
        if not self._lanes or (lane := self._lanes.get(event.response_lane or event.lane)) is None:
            return False
        told = msgspec.convert(event, Told, from_attributes=True)
        if (at := told.at) is None:
            return False
        if at > lane.last:
            if told.response_at is not None:
                del self._lanes[told.last_lane]
            return False
        ended, asked = _ended(told), _asked(told)
        if ended not in lane.asked or asked not in (lane.asked[ended], 0):
            return False
        del lane.asked[ended]
        return True


def _ended(told: Told) -> int:
    return hash((told.at, told.response_at is None, told.id, told.id_type, told.outcome, told.code, told.response_bytes))


def _asked(told: Told) -> int:
    return 0 if told.request_at is None else hash((told.request_at, told.method, told.tool, told.request_bytes)) or 1
