"""The audit event: facts about a call, or about the trail itself; never params, results or texts of errors."""

from __future__ import annotations

import time as clock
from collections import Counter
from typing import Literal

import msgspec

from sanitizer.mcp import Frame
from sanitizer.pairing import Exchange, Outcome

EventType = Literal["call", "credential_exposure", "records_dropped", "records_retired", "trail_recovered", "checkpoint"]
Transport = Literal["stdio", "http", "log", ""]

_DIRECTIONS = {"c2s": "client_to_server", "s2c": "server_to_client"}
_LARGEST_EXACT = 2**53
_second = (-1, "")


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
    request_bytes: int = 0
    response_bytes: int = 0
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
    response = exchange.response
    frame = exchange.request or response
    assert frame is not None  # noqa: S101 - an exchange has one or the other
    facts = frame.facts if response is None or not response.facts else {**response.facts, **frame.facts}
    event = AuditEvent(
        type="call",
        time=timestamp(exchange.start_ns),
        server=server,
        transport=transport,
        outcome=exchange.outcome,
        method="tools/call" if frame.kind == "call" else frame.method,
        params_hash=frame.params_hash,
        latency_ms=_exact_ms(exchange.latency_ms),
        attempts=exchange.attempts,
        progress=exchange.progress,
        request_bytes=exchange.request_bytes,
        response_bytes=exchange.response_bytes,
        session=frame.session,
        protocol=frame.protocol,
        client_name=frame.client_name,
        client_version=frame.client_version,
        traceparent=frame.traceparent,
        actor_kind="mcp",
    )
    for name, fact in facts.items():
        setattr(event, name, fact)
    _name(event, frame)
    if frame.id is not None:
        event.id_type = "string" if isinstance(frame.id, str) else "integer"
        event.id = frame.id if isinstance(frame.id, str) or abs(frame.id) < _LARGEST_EXACT else str(frame.id)
    event.direction = _DIRECTIONS.get(frame.direction, "")
    if exchange.request is None:
        event.direction = {"c2s": "server_to_client", "s2c": "client_to_server"}.get(frame.direction, "")
    if response is not None:
        event.code = response.code
        event.protocol = response.protocol or event.protocol
        event.session = event.session or response.session
        event.server = event.server or response.server_name
    if redactions := [part.redactions for part in (exchange.request, response) if part is not None and part.redactions]:
        event.redactions = dict(sum(map(Counter, redactions), Counter()))
    return event


def timestamp(time_ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    global _second  # noqa: PLW0603 - most events share their second with the one before
    seconds, nanos = divmod(time_ns, 1_000_000_000)
    if seconds != _second[0]:
        _second = (seconds, clock.strftime("%Y-%m-%dT%H:%M:%S", clock.gmtime(seconds)))
    return f"{_second[1]}.{nanos // 1_000:06d}Z"


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
