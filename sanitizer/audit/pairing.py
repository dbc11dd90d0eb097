"""Requests and their responses, brought together: an exchange for each call, whichever way and in whatever order they come.

Ids are unique per sender and connection only, and `1` is not `"1"` (JSON-RPC 2.0, section 4). Memory is bounded by count and age.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from sanitizer.protocol.mcp import Direction, Frame, Id

Outcome = Literal["ok", "tool_error", "rpc_error", "denied", "input_required", "cancelled", "no_response"]

MAX_PENDING = 10_000
MAX_AGE_SECS = 600.0
_MAX_CANCELLED = 1_024
_SERVER_ASKS = frozenset(("sampling/createMessage", "elicitation/create", "roots/list"))
_EITHER_ASKS = frozenset(("ping", "tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "notifications/cancelled"))
_OTHER_WAY: dict[Direction, Direction] = {"c2s": "s2c", "s2c": "c2s", "": ""}

_Key = tuple[str, str, str, Direction, Id]


class Exchange(msgspec.Struct, gc=False):
    """A call and how it ended. *request* is None for a response nobody asked for, *response* for a call without one."""

    request: Frame | None
    response: Frame | None
    outcome: Outcome
    start_ns: int
    lane: str
    """Where it was seen."""
    latency_ms: float | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    attempts: int = 1
    """Requests that make up the call: more than one where input was asked for and given (`inputResponses`)."""
    progress: int = 0


class _Pending(msgspec.Struct, gc=False):
    key: _Key
    request: Frame
    start_ns: int
    seen_ns: int
    """When something was last heard of it: this is what ages."""
    own_clock: bool
    epoch: int
    request_bytes: int
    response_bytes: int = 0
    attempts: int = 1
    progress: int = 0
    state: str = ""
    """Digest of the `requestState` that the next attempt will bring; a call with one, or `is_suspended`, waits for its client."""
    is_suspended: bool = False


class Pairing:
    """Pending requests of every lane. Feed it each frame in order; it yields what is over.

    *max_pending* requests wait at most *max_age_secs* for an answer, or a sign of life; then they are `no_response`.
    *denied_codes* are error codes (JSON-RPC or HTTP) that mean a call was refused.
    """

    def __init__(
        self,
        max_pending: int = MAX_PENDING,
        max_age_secs: float = MAX_AGE_SECS,
        denied_codes: frozenset[int] = frozenset((401, 403)),
    ) -> None:
        self._max_pending = max_pending
        self._max_age_ns = int(max_age_secs * 1e9)
        self._denied = denied_codes
        # By serial number, the longest silent first; a plain dict takes ever longer to find the first of many that were deleted.
        self._pending: OrderedDict[int, _Pending] = OrderedDict()
        self._waiting: dict[_Key, list[int]] = {}
        self._suspended: dict[object, int] = {}
        self._epochs: dict[tuple[str, str], int] = {}
        self._cancelled: dict[_Key, None] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._pending)

    def observe(self, frame: Frame, now_ns: int, lane: str) -> Iterable[Exchange]:
        """What *frame*, seen at *now_ns* on *lane*, brings to an end."""
        match frame.kind:
            case "request":
                return self._begin(frame, now_ns, lane)
            case "response" | "error":
                return self._end(frame, now_ns, lane)
            case "notification":
                return self._notice(frame, now_ns, lane)
            case _:
                return (self._logged(frame, now_ns, lane),)

    def expire(self, now_ns: int) -> Iterator[Exchange]:
        """The calls that have waited too long at *now_ns*."""
        while self._pending:
            serial, oldest = next(iter(self._pending.items()))
            if now_ns - oldest.seen_ns < self._max_age_ns:
                return
            yield self._give_up(serial)

    def close(self) -> Iterator[Exchange]:
        """Everything still pending, as having had no response."""
        while self._pending:
            yield self._give_up(next(iter(self._pending)))

    def _begin(self, frame: Frame, now_ns: int, lane: str) -> Iterable[Exchange]:
        over: Sequence[Exchange] = ()
        key = _key(frame, lane, frame.direction or _asker(frame.method))
        connection = (lane, frame.session)
        if frame.method == "initialize":
            self._epochs[connection] = self._epochs.get(connection, 0) + 1
            if len(self._epochs) > self._max_pending:
                del self._epochs[next(iter(self._epochs))]
        start_ns = frame.time_ns or now_ns
        if frame.is_retry and (serial := self._resumed(frame, lane)) is not None:
            resumed = self._pending.pop(serial)
            resumed.attempts += 1
            resumed.request_bytes += frame.size
            resumed.key, resumed.seen_ns, resumed.is_suspended, resumed.state = key, now_ns, False, ""
            entry = resumed
        else:
            epoch = self._epochs.get(connection, 0)
            entry = _Pending(key, frame, start_ns, now_ns, bool(frame.time_ns), epoch, frame.size)
        self._serial += 1
        self._pending[self._serial] = entry
        if (waiting := self._waiting.get(key)) is not None:
            waiting.append(self._serial)
        else:
            self._waiting[key] = [self._serial]
        if self._cancelled:
            self._cancelled.pop(key, None)
        if len(self._pending) > self._max_pending:
            over = (self._give_up(next(iter(self._pending))),)
        return over

    def _end(self, frame: Frame, now_ns: int, lane: str) -> Iterable[Exchange]:
        serial = self._answered(frame, lane)
        if serial is None:
            asked = _key(frame, lane, _OTHER_WAY[frame.direction])
            if self._cancelled and asked in self._cancelled:
                del self._cancelled[asked]
                return ()
            outcome = _outcome(frame, self._denied)
            return (Exchange(None, frame, outcome, frame.time_ns or now_ns, lane, response_bytes=frame.size),)
        entry = self._pending[serial]
        entry.response_bytes += frame.size
        if frame.result_type == "input_required":
            self._forget(serial, self._touch(serial, now_ns))
            entry.is_suspended, entry.state = True, frame.request_state
            self._suspended[_thread(entry.request, entry.state, lane)] = serial
            return ()
        self._drop(serial)
        latency = _latency_ms(entry, frame, now_ns)
        return (_exchange(entry, frame, _outcome(frame, self._denied), latency),)

    def _notice(self, frame: Frame, now_ns: int, lane: str) -> Iterable[Exchange]:
        if frame.method == "notifications/cancelled" and frame.cancels is not None:
            asked = _key(frame, lane, frame.direction, frame.cancels)
            serial = self._asked(asked) if frame.direction else self._either(asked)
            if serial is None:
                return ()
            entry = self._drop(serial)
            self._cancelled[entry.key] = None
            if len(self._cancelled) > _MAX_CANCELLED:
                del self._cancelled[next(iter(self._cancelled))]
            return (_exchange(entry, None, "cancelled", _latency_ms(entry, frame, now_ns)),)
        if frame.method == "notifications/progress" and frame.progress_token is not None:
            # A token is the requester's to choose; every SDK uses the request's id.
            asked = _key(frame, lane, _OTHER_WAY[frame.direction], frame.progress_token)
            serial = self._asked(asked) if frame.direction else self._either(asked)
            if serial is not None:
                self._touch(serial, now_ns).progress += 1
        return ()

    def _logged(self, frame: Frame, now_ns: int, lane: str) -> Exchange:
        """A call of which one record told everything there is to know."""
        outcome: Outcome = "no_response"
        if frame.denied:
            outcome = "denied"
        elif frame.is_error:
            outcome = "tool_error"
        elif frame.result_type:
            outcome = "ok"
        return Exchange(frame, None, outcome, frame.time_ns or now_ns, lane, frame.latency_ms, frame.size)

    def _answered(self, frame: Frame, lane: str) -> int | None:
        """The request that *frame* answers."""
        if frame.id is None and frame.kind == "error" and len(self._pending) == 1:
            # Its request could not be read, or was refused unread: it can only be this one.
            (serial, only), *_ = self._pending.items()
            return serial if only.key[0] == lane and not only.is_suspended and only.key[3] != frame.direction else None
        if not frame.direction:
            return self._either(_key(frame, lane, ""))
        asked = _key(frame, lane, _OTHER_WAY[frame.direction])
        # The request may have been logged without a direction, or before its session had an id.
        return self._asked(asked) or self._asked((*asked[:3], "", frame.id)) or self._asked((*asked[:2], "", *asked[3:]))

    def _either(self, key: _Key) -> int | None:
        """The last asked of both directions: who asks while being asked is answered first."""
        found = [serial for way in ("c2s", "s2c", "") if (serial := self._asked((*key[:3], way, key[4]))) is not None]
        return max(found, default=None)

    def _asked(self, key: _Key) -> int | None:
        """The request waiting under *key*: since the last `initialize` the oldest, else from before it."""
        serials = self._waiting.get(key)
        if not serials:
            return None
        if len(serials) == 1:
            return serials[0]
        epoch = max(self._pending[serial].epoch for serial in serials)
        return next(serial for serial in serials if self._pending[serial].epoch == epoch)

    def _resumed(self, frame: Frame, lane: str) -> int | None:
        return self._suspended.pop(_thread(frame, frame.request_state, lane), None)

    def _touch(self, serial: int, now_ns: int) -> _Pending:
        """A sign of life: the one it is from moves behind the others."""
        entry = self._pending[serial] = self._pending.pop(serial)
        entry.seen_ns = now_ns
        return entry

    def _give_up(self, serial: int) -> Exchange:
        entry = self._drop(serial)
        return _exchange(entry, None, "input_required" if entry.is_suspended else "no_response", None)

    def _drop(self, serial: int) -> _Pending:
        entry = self._pending.pop(serial)
        if entry.is_suspended:
            thread = _thread(entry.request, entry.state, entry.key[0])
            if self._suspended.get(thread) == serial:
                del self._suspended[thread]
        else:
            self._forget(serial, entry)
        return entry

    def _forget(self, serial: int, entry: _Pending) -> None:
        serials = self._waiting[entry.key]
        if len(serials) == 1:
            del self._waiting[entry.key]
        else:
            serials.remove(serial)


def _key(frame: Frame, lane: str, direction: Direction, name: Id = None) -> _Key:
    return lane, frame.facts.get("server", ""), frame.session, direction, frame.id if name is None else name


def _thread(frame: Frame, state: str, lane: str) -> object:
    """What the attempts at one call share: the state handed over, or else what is called with what."""
    return (lane, state) if state else (lane, frame.session, frame.method, frame.name, frame.params_hash)


def _asker(method: str) -> Direction:
    """Who sends a request of this *method*, where the log does not say."""
    if method in _SERVER_ASKS:
        return "s2c"
    return "" if method in _EITHER_ASKS else "c2s"


def _outcome(response: Frame, denied: frozenset[int]) -> Outcome:
    if response.kind == "error":
        return "denied" if response.denied or response.code in denied else "rpc_error"
    if response.result_type == "input_required":
        return "input_required"
    return "tool_error" if response.is_error else "ok"


def _latency_ms(entry: _Pending, last: Frame, now_ns: int) -> float | None:
    """Elapsed time, by the records' clock or by ours; None where only one of the two records has a clock of its own."""
    if entry.own_clock != bool(last.time_ns):
        return None
    if not entry.own_clock and entry.seen_ns == now_ns:
        return None  # read in one go, so that ours tells nothing
    elapsed = ((last.time_ns or now_ns) - entry.start_ns) / 1e6
    return elapsed if elapsed >= 0 else None


def _exchange(entry: _Pending, response: Frame | None, outcome: Outcome, latency_ms: float | None) -> Exchange:
    return Exchange(
        entry.request,
        response,
        outcome,
        entry.start_ns,
        entry.key[0],
        latency_ms,
        entry.request_bytes,
        entry.response_bytes,
        entry.attempts,
        entry.progress,
    )
