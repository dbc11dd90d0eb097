"""Members and brokers killed at random moments, and storms of rebalances: nothing is lost, and nothing twice where that is promised."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from faults.harness import ROUNDS
from faults.kafka import members
from servers.kafka_server import KafkaServer

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(240 + 30 * ROUNDS),
    pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"]),
]


async def test_members_killed_at_random_moments(kafka: KafkaServer, tmp_path: Path, delivery: str) -> None:
    rng = random.Random(1)
    async with members(kafka, tmp_path, delivery, "one of two members killed") as group:
        for member in (1, 2):
            group.start(member)
        for _ in range(ROUNDS):
            await asyncio.sleep(rng.uniform(0.5, 4.0))
            member = rng.choice((1, 2))
            group.kill(member)
            group.start(member)
            group.figures["rounds"] += 1


async def test_a_storm_of_rebalances_with_three_members(kafka: KafkaServer, tmp_path: Path, delivery: str) -> None:
    rng = random.Random(2)
    async with members(kafka, tmp_path, delivery, "three members that come, go and are killed") as group:
        for _ in range(ROUNDS):
            for member in rng.sample((1, 2, 3), 3):
                if member not in group.running:
                    group.start(member)
                elif rng.random() < 0.5:
                    group.kill(member)
                else:
                    await group.stop(member)
                await asyncio.sleep(rng.uniform(0.3, 2.0))
            group.figures["rounds"] += 1


async def test_brokers_killed_in_turn(kafka3: KafkaServer, tmp_path: Path, delivery: str) -> None:
    rng = random.Random(3)
    async with members(kafka3, tmp_path, delivery, "one of three brokers killed") as group:
        for member in (1, 2):
            group.start(member)
        for _ in range(ROUNDS):
            await asyncio.sleep(rng.uniform(0.5, 3.0))
            broker = rng.randrange(3)
            kafka3.kill(broker)
            group.figures["kills"] += 1
            await asyncio.sleep(rng.uniform(0.2, 3.0))
            kafka3.restart(broker)  # not in a thread: a broker ends with the thread that started it
            group.figures["rounds"] += 1
        for member in (1, 2):
            await group.stop(member)
