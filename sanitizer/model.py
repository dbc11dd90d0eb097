"""The vocabulary. Read this first.

    Source ──Batch──▶ assemble ──Records──▶ scrub ──CleanBatch──▶ Sinks ──Receipt──▶ Source.commit

`Raw` bytes come from outside and may hold anything. `Clean` bytes went through the redaction; one package, `sanitizer.redaction`,
makes them (and `sanitizer.audit`, whose events hold no payload), and nothing else may reach a sink, a spool, a dead letter,
a log line, an exception text or a metric label.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, NewType, Protocol

Raw = NewType("Raw", bytes)
"""Bytes as read."""

Clean = NewType("Clean", bytes)
"""Bytes that hold nothing left to redact: one record, without a line end."""

Kind = Literal["logs", "audit"]
"""What a batch carries, and what a sink may ask for with `receives`."""


class Message(NamedTuple):
    """One record that its source framed itself (Kafka). A `None` value is a tombstone."""

    offset: int
    value: Raw | None
    key: Raw | None = None
    headers: Sequence[tuple[str, Raw]] = ()
    time_ms: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive input of one lane: a file, a partition, stdin.

    A byte stream comes as `data`, cut anywhere; a source that frames its records gives `messages` instead.
    `offset` is the lane's position at the start of the batch and `upto` the one after it: bytes for a stream, message
    offsets for Kafka. `attributes` are facts about the lane (path, topic, partition); their values are raw. `log` is what
    lanes share that follow one another in one log (the files of a path that is rotated); empty where a lane is a log itself.
    """

    lane: str
    data: Raw
    offset: int
    upto: int
    messages: Sequence[Message] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    log: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """That a rule found something, and where; never what."""

    rule: str
    kind: str
    field: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a framed record carries beside its value, redacted (Kafka's key and headers)."""

    key: Clean | None = None
    headers: Sequence[tuple[str, Clean]] = ()
    tombstone: bool = False


@dataclass(slots=True)
class CleanBatch:
    """Redacted records of one lane, in order.

    `offsets[i]` is the lane position of record i, the same on every replay: `record_id` of it is what a sink hands to a
    store that takes ids. `upto` is where to resume once this batch is delivered; a batch without records still commits.
    `rules` is the digest of the rule set in force. `findings` counts by rule id, `withheld` by reason. `frames` are the facts of
    the calls seen (`sanitizer.protocol.mcp.Frame`), for the audit trail; `log` is that of the `Batch`.
    """

    lane: str
    records: Sequence[Clean]
    offsets: Sequence[int]
    upto: int
    kind: Kind = "logs"
    rules: str = ""
    read: int = 0
    findings: Mapping[str, int] = field(default_factory=dict)
    withheld: Mapping[str, int] = field(default_factory=dict)
    envelopes: Sequence[Envelope] = ()
    frames: Sequence[object] = ()
    log: str = ""

    def record_id(self, index: int) -> str:
        """`lane:offset` of record *index*: stable over replays, so that at-least-once can look like once."""
        return f"{self.lane}:{self.offsets[index]}"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record (by index) that the sink says it will never take. `reason` holds no payload."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sink's answer: everything is durable but for the `rejected` (never) and the `pending` (not yet: send again).

    `unnamed` more were rejected, of which the peer does not say which they are (OTLP's partial success).
    """

    rejected: Sequence[Rejection] = ()
    pending: Sequence[int] = ()
    after_secs: float | None = None
    unnamed: int = 0


class Retry(Exception):
    """Raised by a sink when nothing of the batch was delivered and all of it may be later.

    The text names the sink's trouble (a status, an errno), never a payload.
    """

    def __init__(self, reason: str, after_secs: float | None = None) -> None:
        super().__init__(reason)
        self.after_secs = after_secs


class TooLarge(Exception):
    """Raised by a sink when the batch as a whole is too large for its peer and should be split (HTTP 413, Kafka)."""


class Source(Protocol):
    """Where batches come from."""

    def batches(self) -> AsyncIterator[Batch]:
        """Yield batches until the source ends or is told to stop; order is kept within a lane."""
        ...

    async def commit(self, lane: str, upto: int) -> None:
        """Everything of *lane* before *upto* is delivered: never read it again."""
        ...


class Sink(Protocol):
    """Where clean batches go."""

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the batch is durable; raise `Retry` when nothing was delivered, `TooLarge` to be given halves."""
        ...
