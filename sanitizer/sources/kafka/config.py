"""Read Kafka topics as a member of a consumer group. What opens connections is in `source` and `group`."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from sanitizer.sources.options import Reading, SourceOptions
from sinks.kafka.connection import Servers
from sinks.kafka.login import Sasl
from sinks.options import Tls

if TYPE_CHECKING:
    from sanitizer.sources.kafka.source import KafkaSource

Seconds = Annotated[float, Meta(gt=0)]


class KafkaConfig(SourceOptions, frozen=True, tag="kafka", kw_only=True):
    """Topics by name, and by a `pattern` that a whole name must match; a new group begins at the earliest message.

    `revoke_wait_secs` bounds how long a rebalance waits for the delivery of what was read. Messages of transactions that are
    open or were aborted are not read, unless `isolation = "read_uncommitted"`.
    """

    bootstrap_servers: Servers
    client_id: str = "mcp-log-sanitizer"
    sasl: Sasl | None = None
    tls: Tls | None = None
    request_timeout_secs: Seconds = 20.0
    metadata_max_age_secs: Seconds = 60.0
    topics: tuple[str, ...] = ()
    pattern: str | None = None
    group_id: Annotated[str, Meta(min_length=1)] = "mcp-log-sanitizer"
    group_instance_id: str | None = None
    auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    assignment: Literal["range", "roundrobin", "sticky"] = "roundrobin"
    session_timeout_secs: Seconds = 45.0
    heartbeat_secs: Seconds = 3.0
    rebalance_timeout_secs: Seconds = 60.0
    revoke_wait_secs: Seconds = 25.0
    max_poll_interval_secs: Seconds = 3600.0
    max_batch_bytes: Annotated[int, Meta(ge=1)] = 256 << 10
    max_fetch_bytes: Annotated[int, Meta(ge=1)] = 1 << 20

    def __post_init__(self) -> None:
        if not self.topics and self.pattern is None:
            raise ValueError("a kafka source needs `topics` or a `pattern`")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"`pattern` is no regular expression: {error}") from None

    @asynccontextmanager
    async def open(self, reading: Reading) -> AsyncGenerator[KafkaSource]:
        """A source that joins its group when it is first asked for batches, and leaves it here, after the last commit."""
        from sanitizer.sources.kafka.source import KafkaSource  # noqa: PLC0415 - only who uses Kafka pays for its client

        source = KafkaSource(self, reading)
        try:
            yield source
        finally:
            await source.close()

    def subscription(self) -> dict[str, Any]:
        """The arguments of `AIOKafkaConsumer.subscribe`."""
        if self.pattern is None:
            return {"topics": list(self.topics)}
        return {"pattern": "|".join([f"(?:{self.pattern})\\Z", *(f"{re.escape(topic)}\\Z" for topic in self.topics)])}
