"""The audit event: facts about a call, or about the trail itself; never params, results or texts of errors."""

from __future__ import annotations

import time as clock
from collections import Counter
from functools import lru_cache
from typing import Literal

import msgspec

from sanitizer.audit.pairing import Exchange, Outcome
from sanitizer.protocol.mcp import Direction, Frame, Transport

EventType = Literal["call", "credential_exposure", "records_dropped", "records_retired", "trail_recovered", "checkpoint"]

_DIRECTIONS: dict[Direction, str] = {"c2s": "client_to_server", "s2c": "server_to_client", "": ""}
_OTHER_WAY: dict[Direction, Direction] = {"c2s": "s2c", "s2c": "c2s", "": ""}
_LARGEST_EXACT = 2**53


class AuditEvent(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of the trail. Fields stand in the order of their names, so that the encoding is the RFC 8785 form as it is.

    `chain`, `seq` and `prev` are the chain's to set. Texts hold no control characters, so that every text has one spelling.
    """

    actor_kind: str = ""
    attempts: int = 1
    chain: str = ""
    client_ip: str = ""
    client_name: str = ""
    client_self_reported: bool = False
    client_version: str = ""
    closing: bool = False
    code: int | None = None
    count: int = 0
    direction: str = ""
    fingerprint: str = ""
    first_seen: str = ""
    first_seq: int = 0
    id: int | str | None = None
    id_type: str = ""
    key: str = ""
    lane: str = ""
    last_seen: str = ""
    last_seq: int = 0
    latency_ms: float | int | None = None
    method: str = ""
    outcome: Outcome | Literal[""] = ""
    params_hash: str = ""
    prev: str = ""
    progress: int = 0
    project: str = ""
    prompt: str = ""
    protocol: str = ""
    reason: str = ""
    redactions: dict[str, int] = {}
    request_at: int | None = None
    request_bytes: int = 0
    response_at: int | None = None
    response_bytes: int = 0
    response_lane: str = ""
    rule: str = ""
    seq: int = 0
    server: str = ""
    session: str = ""
    signature: str = ""
    subject_id: str = ""
    subject_type: str = ""
    time: str
    tool: str = ""
    traceparent: str = ""
    transport: Transport = ""
    type: EventType
    uri: str = ""
    user: str = ""


encode = msgspec.json.Encoder(order="deterministic").encode
"""An event in RFC 8785 form."""


def call_event(exchange: Exchange, server: str, transport: Transport) -> AuditEvent:
    """The event of a call that is over; *server* and *transport* where the record does not say."""
    request, response = exchange.request, exchange.response
    frame = request or response
    assert frame is not None  # noqa: S101 - an exchange has one or the other
    name = frame.id
    event = AuditEvent(
        type="call",
        time=timestamp(exchange.start_ns),
        server=server,
        outcome=exchange.outcome,
        method="tools/call" if frame.kind == "call" else frame.method,
        params_hash=frame.params_hash,
        id=name if name is None or isinstance(name, str) or -_LARGEST_EXACT < name < _LARGEST_EXACT else str(name),
        id_type="" if name is None else "string" if isinstance(name, str) else "integer",
        latency_ms=_exact_ms(exchange.latency_ms),
        request_bytes=exchange.request_bytes,
        response_bytes=exchange.response_bytes,
        attempts=exchange.attempts,
        progress=exchange.progress,
        actor_kind="mcp",
    )
    if request is not None:
        event.direction, event.request_at = _DIRECTIONS[request.direction], request.offset
        event.session, event.protocol, event.traceparent = request.session, request.protocol, request.traceparent
        event.client_name, event.client_version = request.client_name, request.client_version
        event.transport = request.transport
    else:
        event.direction = _DIRECTIONS[_OTHER_WAY[frame.direction]]
    if response is not None:
        event.code = response.code
        event.response_at = response.offset
        event.protocol = response.protocol or event.protocol
        event.session = event.session or response.session
        event.transport = event.transport or response.transport
        event.server = event.server or response.server_name
        for fact, text in response.facts.items():
            setattr(event, fact, text)
    if request is not None and request.facts:
        for fact, text in request.facts.items():
            setattr(event, fact, text)
    if event.request_at is not None or event.response_at is not None:
        event.lane = frame.lane or exchange.lane
        if response is not None and response.lane != frame.lane:
            event.response_lane = response.lane or exchange.lane
    event.transport = event.transport or transport
    if frame.name:
        _name(event, frame)
    asked, answered = request and request.redactions, response and response.redactions
    if asked and answered:
        event.redactions = dict(Counter(asked) + Counter(answered))
    elif asked or answered:
        event.redactions = asked or answered or {}
    return event


@lru_cache(256)
def timestamp(time_ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond. What is seen together has one time."""
    seconds, micros = divmod(time_ns // 1_000, 1_000_000)
    minutes, second = divmod(seconds, 60)
    return "%s%02d.%06dZ" % (_minute(minutes), second, micros)  # noqa: UP031 - half the time of an f-string


@lru_cache(1024)
def _minute(minutes: int) -> str:
    """Events share their minute with others."""
    return clock.strftime("%Y-%m-%dT%H:%M:", clock.gmtime(minutes * 60))


def _name(event: AuditEvent, frame: Frame) -> None:
    if frame.kind == "call" or event.method == "tools/call":
        event.tool = frame.name
    elif event.method == "prompts/get":
        event.prompt = frame.name
    elif event.method.startswith("resources/"):
        event.uri = frame.name


def _exact_ms(latency: float | None) -> float | int | None:
    """Microseconds at the finest, and an integer where it is one: so that its spelling is that of RFC 8785."""
    if latency is None:
        return None
    rounded = round(latency, 3)
    return int(rounded) if rounded.is_integer() else rounded
