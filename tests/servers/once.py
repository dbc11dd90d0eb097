"""Kafka to Kafka, exactly once: the real pipeline, source and transactions, with a redaction that only copies.

As a program it runs until it is killed: `python -m servers.once BOOTSTRAP GROUP TOPIC OUT AUDIT`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sanitizer.model import Batch, Clean, CleanBatch, Rejection
from sanitizer.pipeline.loop import Pipeline
from sanitizer.pipeline.transactions import Target, Transactions
from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.kafka.source import KafkaSource
from sanitizer.sources.options import Reading
from sinks.kafka.config import KafkaSinkConfig
from sinks.kafka.messages import Encoder
from sinks.kafka.producer import producer_arguments


class Copying:
    """Copies each batch, and gives an audit event for each of its records."""

    def __init__(self) -> None:
        self._events = 0

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        records = [Clean(message.value or b"") for message in batch.messages]
        offsets = [message.offset for message in batch.messages]
        self._events += len(records)
        events = [Clean(b"event of " + record) for record in records]
        return [
            CleanBatch(batch.lane, records, offsets, batch.upto),
            CleanBatch("audit:test", events, range(self._events - len(events), self._events), self._events, kind="audit"),
        ]

    async def flush(self, lane: str, end: bool) -> Sequence[CleanBatch]:
        return ()

    def holding(self, lane: str) -> bool:
        return False


class Graves:
    """Dead letters in memory."""

    def __init__(self) -> None:
        self.buried: list[tuple[str, bytes, str]] = []

    async def bury(self, sink: str, batch: CleanBatch, rejections: Sequence[Rejection]) -> None:
        self.buried += [(sink, batch.records[each.index], each.reason) for each in rejections]


class Member:
    """One process's worth of exactly once, as parts."""

    def __init__(self, source: KafkaSource, reading: Reading, transactions: Transactions, graves: Graves) -> None:
        self.source = source
        self.reading = reading
        self.transactions = transactions
        self.graves = graves

    async def run(self) -> None:
        """Copy until told to stop."""
        await Pipeline([self.source], Copying(), transactional=self.transactions).run()


def only(kind: str) -> Callable[[CleanBatch], CleanBatch | None]:
    """What a sink that receives *kind* receives."""
    return lambda batch: batch if batch.kind == kind else None


@asynccontextmanager
async def member(bootstrap: str, group: str, topic: str, out: str, audit: str, **options: object) -> AsyncIterator[Member]:
    """A member of *group* that copies *topic* to *out*, with audit events to *audit*."""
    reading = Reading(once=bool(options.pop("once", False)))
    quick: dict[str, object] = {"session_timeout_secs": 1.5, "heartbeat_secs": 0.2, "metadata_max_age_secs": 2.0}
    quick["max_batch_bytes"] = 200  # many small transactions
    config = KafkaConfig(**({"bootstrap_servers": bootstrap, "topics": (topic,), "group_id": group} | quick | options))
    sinks = [KafkaSinkConfig(bootstrap_servers=bootstrap, topic=name, name=name) for name in (out, audit)]
    targets = [Target(sink.topic, Encoder(sink), only(kind)) for sink, kind in zip(sinks, ("logs", "audit"), strict=True)]
    graves = Graves()
    async with (
        Transactions(
            group_id=group, targets=targets, producer_arguments=producer_arguments(sinks[0]), dead_letters=graves
        ) as transactions,
        config.open(reading) as source,
    ):
        transactions.attach(source.group)
        yield Member(source, reading, transactions, graves)
        reading.stop.set()


async def main() -> None:
    async with member(*sys.argv[1:6]) as one:
        await one.run()


if __name__ == "__main__":
    asyncio.run(main())
