"""Produce records to Kafka. What opens connections is in `producer`, what makes messages in `messages`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, field

from sinks.kafka.connection import Servers
from sinks.kafka.login import Sasl
from sinks.options import SinkOptions, Tls

if TYPE_CHECKING:
    from sinks.kafka.producer import KafkaSink

Partitioner = Literal["murmur2", "crc32", "source"]


class KafkaSinkConfig(SinkOptions, frozen=True, tag="kafka", kw_only=True):
    """One record a message, in `topic`.

    `key`: `source` keeps the key of a record that came from Kafka, redacted, and gives others their lane; `lane`; `none`; or the
    name of a field, dots for depth. `partitioner`: `murmur2` as Kafka's own clients, `crc32` as librdkafka, `source` the number
    of the partition that the record was read from. Records without a key go to one partition a batch, in turn.
    With a `transactional_id` of this process's own, each batch is a transaction: readers of committed messages see all of it or
    nothing. (Exactly once from Kafka to Kafka is `delivery = "exactly_once"` instead.)
    A message holds at most `max_message_bytes`, before compression; what is larger is rejected without asking the broker.
    """

    bootstrap_servers: Servers
    client_id: str = "mcp-log-sanitizer"
    sasl: Sasl | None = None
    tls: Tls | None = None
    request_timeout_secs: Annotated[float, Meta(gt=0)] = 20.0
    metadata_max_age_secs: Annotated[float, Meta(gt=0)] = 60.0
    topic: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9._-]{1,249}$", description="a topic's name: letters, digits, . _ -")]
    key: str = "source"
    headers: dict[str, str] = field(default_factory=dict)
    keep_headers: bool = True
    partitioner: Partitioner = "murmur2"
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "zstd"
    transactional_id: str | None = None
    max_message_bytes: Annotated[int, Meta(ge=1024)] = 1_000_000

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[KafkaSink]:
        """A producer that connects with its first batch, and again after each failure."""
        from sinks.kafka.producer import KafkaSink  # noqa: PLC0415 - only who uses Kafka pays for its client

        sink = KafkaSink(self)
        try:
            yield sink
        finally:
            await sink.close()
