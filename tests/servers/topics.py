"""Write to and read from Kafka topics, as a test's other end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from servers.kafka_server import KafkaServer


def unique(name: str) -> str:
    """A topic, group or id that no other test has."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def create_topic(kafka: KafkaServer, name: str = "logs", partitions: int = 1, **settings: str) -> str:
    """Make a topic with a name of its own and return that, once every partition has a leader."""
    topic = unique(name)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap())
    await admin.start()
    try:
        configs = {key.replace("_", "."): value for key, value in settings.items()}
        await admin.create_topics([NewTopic(topic, partitions, min(3, kafka.count), topic_configs=configs)])
        while True:
            (found,) = await admin.describe_topics([topic])
            if len(found["partitions"]) == partitions and all(each["leader"] > 0 for each in found["partitions"]):
                return topic
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, values: Iterable[bytes | None], *, partition: int | None = 0, **options: Any) -> None:
    """Write *values* in order; *options* may have `key`, `headers` and what a producer takes."""
    each = {name: options.pop(name) for name in ("key", "headers") if name in options}
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        await asyncio.gather(*[await producer.send(topic, value, partition=partition, **each) for value in values])


async def consume(bootstrap: str, topic: str, count: int, *, secs: float = 30, **options: Any) -> list[ConsumerRecord]:
    """Read *count* messages of *topic* from its beginning, or those there are in *secs*; then see that no more follow."""
    found: list[ConsumerRecord] = []
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest", enable_auto_commit=False, **options
    ) as consumer:
        end = asyncio.get_running_loop().time() + secs
        while asyncio.get_running_loop().time() < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
            if len(found) >= count:
                break
        for records in (await consumer.getmany(timeout_ms=200)).values():
            found += records
    return found


async def until(condition: Callable[[], object | Awaitable[object]], secs: float = 30) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(secs):
        while True:
            held = condition()
            if await held if isinstance(held, Awaitable) else held:
                return
            await asyncio.sleep(0.05)


async def committed(bootstrap: str, group: str) -> dict[str, int]:
    """The group's offsets, by lane name; none while the cluster makes room for groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    finally:
        await admin.close()
    return {f"{tp.topic}/{tp.partition}": offset.offset for tp, offset in offsets.items()}
