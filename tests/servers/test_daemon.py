"""The whole daemon between two Kafka topics: killed and started again, at least once, and exactly once where it says so."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from faults.harness import MAILBOX, NUMBER, ROUNDS, TOKEN, Daemon, lines, secrets_in, wait_for

from servers.kafka_server import KafkaServer
from servers.topics import consume, create_topic, produce, unique

COUNT = 3000


def config(folder: Path, kafka: KafkaServer, topic: str, out: str, delivery: str) -> Path:
    path = folder / "sanitizer.toml"
    path.write_text(f"""
state_dir = "{folder}/state"
delivery = "{delivery}"

[[sources]]
type = "kafka"
bootstrap_servers = "{kafka.bootstrap()}"
topics = ["{topic}"]
group_id = "{unique("group")}"
session_timeout_secs = 6.0
heartbeat_secs = 0.5
max_batch_bytes = 4096

[[sinks]]
type = "kafka"
bootstrap_servers = "{kafka.bootstrap()}"
topic = "{out}"
""")
    return path


@pytest.mark.timeout(300)  # a transaction that a killed process left open holds readers back until the broker gives it up
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
async def test_killed_between_two_topics(kafka: KafkaServer, tmp_path: Path, delivery: str) -> None:
    topic, out = await create_topic(kafka, "in", partitions=2), await create_topic(kafka, "out", partitions=2)
    for partition in range(2):
        first = partition * COUNT
        await produce(kafka.bootstrap(), topic, lines(first, first + COUNT).splitlines(), partition=partition)
    path = config(tmp_path, kafka, topic, out, delivery)
    rng = random.Random(9)
    for _ in range(min(ROUNDS, 2)):  # the second waits to join, until the first one's session has run out, and gets a share too
        with Daemon(path) as daemon:
            await asyncio.sleep(rng.uniform(1.0, 2.5))
            daemon.kill()
    with Daemon(path, "--once") as daemon:
        await asyncio.to_thread(wait_for, lambda: daemon.process.poll() is not None, None, 90)
        assert daemon.process.returncode == 0, daemon.said()
    found = await consume(kafka.bootstrap(), out, 2 * COUNT, secs=15, isolation_level="read_committed")
    numbers = [int(match[1]) for message in found if (match := NUMBER.search(message.value))]
    assert set(numbers) == set(range(2 * COUNT))
    if delivery == "exactly_once":
        assert len(numbers) == 2 * COUNT
    assert not any(MAILBOX.search(message.value) or TOKEN.search(message.value) for message in found)
    assert secrets_in(tmp_path / "state") == []
