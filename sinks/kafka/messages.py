"""Clean records as Kafka messages: key, headers, and the partition that each goes to."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from aiokafka.partitioner import murmur2

from sanitizer.model import Clean, CleanBatch, Envelope
from sinks.kafka.config import KafkaSinkConfig, Partitioner

NO_ENVELOPE = Envelope()

Partitions = Callable[[bytes | None, str, Sequence[int]], int]
"""(key, lane, the topic's partitions) -> partition; -1 for any."""


class Outgoing(NamedTuple):
    """One record as Kafka takes it, and its place in the batch."""

    place: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Encoder:
    """Batches as one topic's messages."""

    def __init__(self, config: KafkaSinkConfig) -> None:
        self.topic = config.topic
        self.partition = partitioner(config.partitioner)
        self.max_message_bytes = config.max_message_bytes
        self._key = config.key
        self._headers = [(name, value.encode()) for name, value in config.headers.items()]
        self._keep_headers = config.keep_headers

    def messages(self, batch: CleanBatch) -> Iterator[Outgoing]:
        """Yield a message for each record; a tombstone (an envelope that says so) has no value."""
        lane, more, keep = batch.lane.encode(), self._headers, self._keep_headers
        if not batch.envelopes:
            for index, record in enumerate(batch.records):
                yield Outgoing(index, self._key_of(record, NO_ENVELOPE, lane), record, more)
            return
        from_source = self._key == "source"
        for index, (record, envelope) in enumerate(zip(batch.records, batch.envelopes, strict=True)):
            headers = [*envelope.headers, *more] if keep and envelope.headers else more
            key = envelope.key if from_source else self._key_of(record, envelope, lane)
            yield Outgoing(index, key, None if envelope.tombstone else record, headers)

    def _key_of(self, record: Clean, envelope: Envelope, lane: bytes) -> bytes | None:
        match self._key:
            case "source":
                return lane if envelope is NO_ENVELOPE else envelope.key
            case "lane":
                return lane
            case "none":
                return None
            case name:
                return field_text(record, name) or lane


def field_text(record: Clean, name: str) -> bytes | None:
    """The value of the field *name* (dots for depth) as text; None when *record* has none, or is no JSON object."""
    try:
        value: Any = msgspec.json.decode(record)
    except msgspec.DecodeError:
        return None
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def partitioner(how: Partitioner) -> Partitions:
    """How a record finds its partition: by the hash of its key, or the number at the end of its lane (`topic/partition`)."""

    def by_hash(key: bytes | None, _lane: str, partitions: Sequence[int]) -> int:
        return partitions[(_murmur2(key) if how == "murmur2" else zlib.crc32(key)) % len(partitions)] if key is not None else -1

    def by_lane(key: bytes | None, lane: str, partitions: Sequence[int]) -> int:
        number = lane.rpartition("/")[2]
        return partitions[int(number) % len(partitions)] if number.isdecimal() else by_hash(key, lane, partitions)

    return by_lane if how == "source" else by_hash


@functools.lru_cache(1 << 14)
def _murmur2(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def message_bytes(message: Outgoing) -> int:
    """An upper bound of the size of *message* in a request (record batch format 2: varints of at most five bytes)."""
    _, key, value, headers = message
    size = 100 + (len(value) if value else 0)
    if key:
        size += len(key)
    if headers:
        size += sum(len(name) * 4 + len(value) + 10 for name, value in headers)
    return size
