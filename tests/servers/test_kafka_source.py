"""The Kafka source against a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sanitizer.model import Batch
from sanitizer.sources.kafka import KafkaConfig
from sanitizer.sources.kafka_source import KafkaSource
from sanitizer.sources.options import Reading
from servers.kafka_server import KafkaServer
from servers.topics import committed, create_topic, produce, unique, until


@asynccontextmanager
async def opened(kafka: KafkaServer, *, once: bool = False, **options: object) -> AsyncIterator[tuple[KafkaSource, Reading]]:
    """A source of *options*; it is told to stop at the end."""
    reading = Reading(once=once)
    quick = {"session_timeout_secs": 6.0, "heartbeat_secs": 0.3}
    config = KafkaConfig(**({"bootstrap_servers": kafka.bootstrap(), "group_id": unique("group")} | quick | options))
    async with config.open(reading) as source:
        yield source, reading
        reading.stop.set()


async def read_all(source: KafkaSource) -> list[Batch]:
    """Every batch until the source ends, each committed at once."""
    batches = []
    async for batch in source.batches():
        batches.append(batch)
        await source.commit(batch.lane, batch.upto)
    return batches


def values(batches: list[Batch]) -> list[bytes | None]:
    return [message.value for batch in batches for message in batch.messages]


async def test_a_new_group_begins_at_the_earliest_message_and_an_old_one_where_it_was(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka), unique("group")
    await produce(kafka.bootstrap(), topic, [b"1", b"2", b"3"])
    async with opened(kafka, once=True, topics=(topic,), group_id=group) as (source, _):
        batches = await read_all(source)
    assert values(batches) == [b"1", b"2", b"3"]
    assert [(batch.lane, batch.offset, batch.upto) for batch in batches] == [(f"{topic}/0", 0, 3)]
    await produce(kafka.bootstrap(), topic, [b"4"])
    async with opened(kafka, once=True, topics=(topic,), group_id=group) as (source, _):
        assert values(await read_all(source)) == [b"4"]
