"""Exactly once from Kafka to Kafka, as a reader of committed messages sees it, against real brokers."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import RequestTimedOutError

from sanitizer.pipeline.transactions import _Ledger
from sanitizer.sources.kafka.offsets import stable_offsets
from servers.kafka_server import KafkaServer
from servers.once import Member, member
from servers.topics import committed, consume, create_topic, produce, unique, until

pytestmark = pytest.mark.usefixtures("nothing_is_left")

PARTITIONS = 3


class Copy:
    """What is copied from where to where."""

    def __init__(self, kafka: KafkaServer, group: str, topic: str, out: str, audit: str) -> None:
        self.kafka = kafka
        self.names = (group, topic, out, audit)
        self.written = 0

    async def write(self, count: int) -> None:
        """Write *count* more messages, by turns to each partition."""
        numbers = range(self.written, self.written + count)
        self.written += count
        for partition in range(PARTITIONS):
            share = [b"%d" % number for number in numbers if number % PARTITIONS == partition]
            await produce(self.kafka.bootstrap(), self.names[1], share, partition=partition)

    def member(self, **options: object) -> asyncio._AsyncGeneratorContextManager[Member]:  # type: ignore[name-defined]
        return member(self.kafka.bootstrap(), *self.names, **options)

    async def done(self, secs: float = 60) -> None:
        """Wait until the group's offsets are the ends of the topic."""

        async def all_committed() -> bool:
            return sum((await committed(self.kafka.bootstrap(), self.names[0])).values()) == self.written

        await until(all_committed, secs)

    async def verify(self) -> None:
        """Every message is in both outputs once, and in order within its partition."""
        bootstrap, written = self.kafka.bootstrap(), self.written
        for topic, prefix in zip(self.names[2:], (b"", b"event of "), strict=True):
            found = await consume(bootstrap, topic, written, isolation_level="read_committed")
            numbers = [int(message.value.removeprefix(prefix)) for message in found]
            counts = Counter(numbers)
            assert [number for number in range(written) if counts[number] != 1] == []
            assert len(numbers) == written
            for partition in range(PARTITIONS):
                lane = [number for number in numbers if number % PARTITIONS == partition]
                assert lane == sorted(lane)


@asynccontextmanager
async def copying(kafka: KafkaServer) -> AsyncIterator[Copy]:
    topic = await create_topic(kafka, "in", PARTITIONS)
    yield Copy(kafka, unique("once"), topic, await create_topic(kafka, "out"), await create_topic(kafka, "audit"))


async def test_an_offset_is_not_read_while_a_transaction_may_still_change_it(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka), unique("group")
    tp = TopicPartition(topic, 0)
    await produce(kafka.bootstrap(), topic, [b"x"] * 3)
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), transactional_id=unique("tx")) as writer,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap()) as other,
    ):

        async def stable_offset() -> int | None:
            found = (await stable_offsets(other.client, group, [tp])).get(tp)
            return found.offset if found else None

        assert await stable_offset() is None
        async with writer.transaction():
            await writer.send_offsets_to_transaction({tp: 1}, group)
        assert await stable_offset() == 1
        await writer.begin_transaction()
        await writer.send_offsets_to_transaction({tp: 2}, group)
        asking = asyncio.create_task(stable_offset())
        done, _ = await asyncio.wait([asking], timeout=0.3)
        assert not done
        await writer.commit_transaction()
        assert await asking == 2
        for offset in range(3, 33):  # what the client library itself reads here is often the offset before
            async with writer.transaction():
                await writer.send_offsets_to_transaction({tp: offset}, group)
            assert await stable_offset() == offset


async def test_nothing_is_twice_or_missing_when_a_member_restarts_right_after_each_commit(kafka: KafkaServer) -> None:
    async with copying(kafka) as copy:
        for _ in range(12):
            await copy.write(30)
            async with copy.member(once=True) as one:
                await one.run()
        await copy.verify()


@pytest.mark.filterwarnings("ignore:Unclosed AIOKafkaConnection:ResourceWarning")  # of members that end in the middle of connecting
async def test_nothing_is_twice_or_missing_through_a_storm_of_rebalances(kafka: KafkaServer) -> None:
    async with copying(kafka) as copy:
        await copy.write(1500)

        async def come_and_go(seed: int) -> None:
            luck = random.Random(seed)
            while not finished.is_set():
                async with copy.member() as one:
                    running = asyncio.create_task(one.run())
                    await asyncio.sleep(luck.uniform(0.5, 2.5))
                    if luck.random() < 0.5:
                        one.reading.stop.set()
                        await running
                    else:  # as if the process had ended in the middle
                        running.cancel()
                        await asyncio.gather(running, return_exceptions=True)

        finished = asyncio.Event()
        members = [asyncio.create_task(come_and_go(seed)) for seed in range(3)]
        await copy.write(1500)
        await asyncio.sleep(6)
        finished.set()
        await asyncio.gather(*members)
        async with copy.member(once=True) as last:
            await last.run()
        await copy.done()
        await copy.verify()


async def test_nothing_is_twice_or_missing_when_processes_are_killed(kafka: KafkaServer) -> None:
    async with copying(kafka) as copy:
        await copy.write(1500)
        root = Path(__file__).parents[2]
        command = [sys.executable, "-m", "servers.once", kafka.bootstrap(), *copy.names]
        luck = random.Random(7)
        for _ in range(4):
            process = await asyncio.create_subprocess_exec(*command, env={"PYTHONPATH": f"{root}:{root / 'tests'}"})
            await copy.write(150)
            await asyncio.sleep(luck.uniform(1.0, 2.5))
            process.kill()
            await process.wait()
        async with copy.member() as last:
            running = asyncio.create_task(last.run())
            await copy.done()
            last.reading.stop.set()
            await running
        await copy.verify()


async def test_a_zombie_can_commit_nothing_and_the_owner_goes_on(kafka: KafkaServer) -> None:
    """A member that stood still while its partitions were given away wakes up with work of its own left."""
    async with copying(kafka) as copy:
        await copy.write(300)
        async with copy.member() as zombie:
            write = zombie.transactions._write
            asleep, awake = asyncio.Event(), asyncio.Event()
            tired = set(range(PARTITIONS))

            async def fall_asleep(ledger: _Ledger, *arguments: object) -> None:
                asleep.set()
                if ledger.tp.partition in tired:  # once only: it may be given the partition again before the owner has ended
                    tired.remove(ledger.tp.partition)
                    await awake.wait()
                await write(ledger, *arguments)  # type: ignore[arg-type]

            zombie.transactions._write = fall_asleep  # type: ignore[method-assign, assignment]
            running = asyncio.create_task(zombie.run())
            await asleep.wait()
            lanes = zombie.source.group.lanes.values()
            await _until_all_are_given_away(zombie)
            async with copy.member(once=True) as owner:
                await owner.run()
                await copy.write(30)
                awake.set()
                await until(lambda: not any(lane.busy() for lane in lanes))
            zombie.reading.stop.set()
            await running
        async with copy.member(once=True) as last:
            await last.run()
        await copy.verify()


async def test_a_commit_of_which_the_answer_is_lost_is_found_out(kafka: KafkaServer) -> None:
    async with copying(kafka) as copy:
        await copy.write(300)
        async with copy.member(once=True) as one:
            write, luck, lost = one.transactions._write, random.Random(4), Counter[str]()

            async def lose_answers(*arguments: object) -> None:
                chance = luck.random()
                if chance < 0.2:
                    lost["before"] += 1
                    raise RequestTimedOutError
                await write(*arguments)  # type: ignore[arg-type]
                if chance < 0.5:
                    lost["after"] += 1
                    raise RequestTimedOutError

            one.transactions._write = lose_answers  # type: ignore[method-assign, assignment]
            await one.run()
        assert lost["before"]
        assert lost["after"]
        await copy.verify()


async def _until_all_are_given_away(one: Member) -> None:
    """Take the member out of its group as a session that ran out would, without its knowing."""
    coordinator = one.source.group.consumer._coordinator  # type: ignore[union-attr]
    await coordinator._maybe_leave_group()


async def test_a_record_too_large_for_the_topic_is_buried_and_the_rest_goes_on(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka, "in")
    small = await create_topic(kafka, "out", max_message_bytes="9000")
    group, audit = unique("once"), await create_topic(kafka, "audit")
    large = random.Random(1).randbytes(20_000)
    values = [b"a" * 10, large, *[random.Random(n).randbytes(3000) for n in range(8)], b"z" * 10]
    await produce(kafka.bootstrap(), topic, values)
    async with member(kafka.bootstrap(), group, topic, small, audit, once=True, max_batch_bytes=1 << 20) as one:
        await one.run()
    assert {(sink, record) for sink, record, _ in one.graves.buried} == {(small, large)}
    found = await consume(kafka.bootstrap(), small, 10, isolation_level="read_committed")
    assert [message.value for message in found] == [value for value in values if value != large]


@pytest.mark.timeout(300)
async def test_nothing_is_twice_or_missing_when_brokers_are_killed(kafka3: KafkaServer) -> None:
    async with copying(kafka3) as copy:
        await copy.write(600)
        async with copy.member(session_timeout_secs=6.0, request_timeout_secs=5.0) as one:
            running = asyncio.create_task(one.run())
            for broker in (0, 2):
                await copy.write(300)
                kafka3.kill(broker)
                await asyncio.sleep(1)
                kafka3.restart(broker)
            await copy.done(200)  # a coordinator that was killed is given up after several timeouts
            one.reading.stop.set()
            await running
        await copy.verify()
