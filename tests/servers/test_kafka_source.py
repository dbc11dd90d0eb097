"""The Kafka source against a real broker."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.record.util import calc_crc32c

from sanitizer.model import Batch
from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.kafka.source import CORRUPT, KafkaSource
from sanitizer.sources.options import Reading
from servers.fixtures import USERS
from servers.kafka_server import KafkaServer
from servers.once import member
from servers.topics import committed, consume, create_topic, produce, unique, until
from sinks.kafka.login import Sasl
from sinks.options import Secret, Tls

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@asynccontextmanager
async def opened(kafka: KafkaServer, *, once: bool = False, **options: object) -> AsyncIterator[tuple[KafkaSource, Reading]]:
    """A source of *options*; it is told to stop at the end."""
    counts: Counter[str] = Counter()
    reading = Reading(once=once, count=lambda name, number: counts.update({name: number}))
    quick = {"session_timeout_secs": 6.0, "heartbeat_secs": 0.2, "metadata_max_age_secs": 2.0}
    config = KafkaConfig(**({"bootstrap_servers": kafka.bootstrap(), "group_id": unique("group")} | quick | options))
    async with config.open(reading) as source:
        source.counts = counts  # type: ignore[attr-defined]
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


async def test_keys_headers_times_and_tombstones_come_along(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka)
    await produce(kafka.bootstrap(), topic, [b"v", None], key=b"k", headers=[("h", b"1")])
    async with opened(kafka, once=True, topics=(topic,)) as (source, _):
        (batch,) = await read_all(source)
    first, second = batch.messages
    assert (first.key, first.value, list(first.headers)) == (b"k", b"v", [("h", b"1")])
    assert (second.key, second.value) == (b"k", None)
    assert first.time_ms > 1_700_000_000_000
    assert batch.attributes == {"topic": topic, "partition": "0"}


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_is_read(kafka: KafkaServer, codec: str) -> None:
    topic = await create_topic(kafka)
    messages = [b"%d" % n * 50 for n in range(200)]
    await produce(kafka.bootstrap(), topic, messages, compression_type=codec, linger_ms=20)
    async with opened(kafka, once=True, topics=(topic,), max_batch_bytes=5000) as (source, _):
        batches = await read_all(source)
    assert values(batches) == messages
    assert all(one.upto == two.offset for one, two in itertools.pairwise(batches))
    assert max(sum(len(message.value or b"") for message in batch.messages) for batch in batches) <= 5000


async def test_a_pattern_must_match_the_whole_name_and_finds_new_topics(kafka: KafkaServer) -> None:
    prefix = unique("pat")
    topics = [await create_topic(kafka, f"{prefix}-{name}") for name in ("a", "b")]
    other = await create_topic(kafka, f"x-{prefix}-a")
    for topic in (*topics, other):
        await produce(kafka.bootstrap(), topic, [topic.encode()])
    async with opened(kafka, pattern=f"{prefix}-[ab].*", metadata_max_age_secs=0.5) as (source, reading):
        found: list[Batch] = []

        async def read() -> None:
            async for batch in source.batches():
                found.append(batch)
                await source.commit(batch.lane, batch.upto)

        reader = asyncio.create_task(read())
        await until(lambda: len(found) == 2)
        late = await create_topic(kafka, f"{prefix}-b")
        await produce(kafka.bootstrap(), late, [late.encode()])
        await until(lambda: len(found) == 3)
        reading.stop.set()
        await reader
    assert set(values(found)) == {topic.encode() for topic in (*topics, late)}


async def test_messages_of_an_aborted_transaction_are_not_read(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), transactional_id=unique("tx")) as writer:
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"aborted")
        await writer.abort_transaction()
        async with writer.transaction():
            await writer.send_and_wait(topic, b"kept")
    async with opened(kafka, once=True, topics=(topic,)) as (source, _):
        assert values(await read_all(source)) == [b"kept"]


async def test_what_is_not_delivered_is_not_committed(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka), unique("group")
    await produce(kafka.bootstrap(), topic, [b"%d" % n for n in range(10)])
    async with opened(kafka, once=True, topics=(topic,), group_id=group, max_batch_bytes=1) as (source, _):
        batches = [batch async for batch in source.batches()]
        await source.commit(batches[3].lane, batches[3].upto)
        assert source.lag() == {f"{topic}/0": 6}
    assert await committed(kafka.bootstrap(), group) == {f"{topic}/0": 4}
    async with opened(kafka, once=True, topics=(topic,), group_id=group) as (source, _):
        assert values(await read_all(source)) == [b"%d" % n for n in range(4, 10)]


async def test_a_rebalance_waits_until_what_was_handed_out_is_delivered(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka, partitions=2), unique("group")
    for partition in range(2):
        await produce(kafka.bootstrap(), topic, [b"%d" % partition], partition=partition)
    async with opened(kafka, topics=(topic,), group_id=group) as (first, _):
        reader = first.batches()
        held = [await anext(reader), await anext(reader)]
        async with opened(kafka, topics=(topic,), group_id=group) as (second, _):
            joining = asyncio.create_task(anext(second.batches()))
            following = asyncio.create_task(anext(reader))
            await asyncio.sleep(1.5)
            assert {lane.name for lane in first.group.lanes.values() if lane.owned} == {f"{topic}/0", f"{topic}/1"}
            for batch in held:
                await first.commit(batch.lane, batch.upto)
            await until(lambda: any(lane.owned for lane in second.group.lanes.values()))
            assert await committed(kafka.bootstrap(), group) == {f"{topic}/0": 1, f"{topic}/1": 1}
            await produce(kafka.bootstrap(), topic, [b"new 0"], partition=0)
            await produce(kafka.bootstrap(), topic, [b"new 1"], partition=1)
            found = await asyncio.gather(joining, following)
    assert {value for batch in found for value in values([batch])} == {b"new 0", b"new 1"}


async def test_a_stale_batch_of_a_lost_partition_commits_nothing(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka), unique("group")
    await produce(kafka.bootstrap(), topic, [b"1", b"2"])
    async with opened(kafka, topics=(topic,), group_id=group, max_batch_bytes=1, revoke_wait_secs=0.3) as (first, _):
        reader = first.batches()
        stale = await anext(reader)
        await first.group.on_partitions_revoked([lane.tp for lane in first.group.lanes.values()])
        await first.commit(stale.lane, stale.upto)
    assert await committed(kafka.bootstrap(), group) == {}
    assert first.counts["kafka_commits_fenced"] == 1  # type: ignore[attr-defined]


async def test_through_a_storm_of_rebalances_nothing_is_missing_and_order_is_kept(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka, partitions=4), unique("group")
    waves, share = 4, 100
    count = waves * share
    delivered: dict[int, list[int]] = {partition: [] for partition in range(4)}
    finished = asyncio.Event()

    async def come_and_go(seed: int) -> None:
        luck = random.Random(seed)
        while not finished.is_set():
            async with opened(kafka, topics=(topic,), group_id=group, max_batch_bytes=60) as (source, reading):
                asyncio.get_running_loop().call_later(luck.uniform(0.8, 2.5), reading.stop.set)
                async for batch in source.batches():
                    await asyncio.sleep(luck.uniform(0, 0.005))
                    partition = int(batch.attributes["partition"])
                    delivered[partition] += [int(message.value or b"") for message in batch.messages]
                    await source.commit(batch.lane, batch.upto)

    members = [asyncio.create_task(come_and_go(seed)) for seed in range(3)]
    for wave in range(waves):
        for partition in range(4):
            numbers = range(wave * share, (wave + 1) * share)
            await produce(kafka.bootstrap(), topic, [b"%d" % number for number in numbers], partition=partition)
        await asyncio.sleep(0.8)
    await until(lambda: all(set(numbers) == set(range(count)) for numbers in delivered.values()), 40)
    finished.set()
    await asyncio.gather(*members)
    assert await committed(kafka.bootstrap(), group) == {f"{topic}/{partition}": count for partition in range(4)}
    for read in delivered.values():
        assert read == list(range(count))  # nothing twice either: every member left in order


async def test_a_corrupt_batch_is_marked_and_passed_over(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka)
    for values_of_a_batch in ([b"before"], [b"FLIP-ME", b"with it"], [b"after"]):
        await produce(kafka.bootstrap(), topic, values_of_a_batch, linger_ms=50)
    (log,) = (kafka.folder / "data0").glob(f"{topic}-0/*.log")
    content = log.read_bytes()
    with log.open("r+b") as file:  # in place, as a bad disk would
        file.seek(content.index(b"FLIP-ME"))
        file.write(b"f")
    async with opened(kafka, once=True, topics=(topic,)) as (source, _):
        batches = await read_all(source)
    assert values(batches) == [b"before", CORRUPT, b"after"]
    assert [message.offset for batch in batches for message in batch.messages] == [0, 1, 3]
    assert source.counts["kafka_messages_corrupt"] == 2  # type: ignore[attr-defined]


async def test_a_header_that_is_no_text_stops_nothing(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap()) as writer:
        for value, name in ((b"before", b"ok"), (b"poison", b"\xff\xfe"), (b"after", b"ok")):
            batch = writer.create_batch()
            batch.append(timestamp=None, key=None, value=value, headers=[("??", b"v")])
            content = bytearray(bytes(batch._build()).replace(b"??", name))
            content[17:21] = calc_crc32c(bytes(content[21:])).to_bytes(4, "big")  # record batch format 2
            batch._buffer = content
            await (await writer.send_batch(batch, topic, partition=0))
    async with opened(kafka, once=True, topics=(topic,)) as (source, _):
        assert values(await read_all(source)) == [b"before", CORRUPT, b"after"]
    assert source.counts["kafka_messages_corrupt"] == 1  # type: ignore[attr-defined]


async def test_what_retention_deleted_unread_is_counted(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka), unique("group")
    await produce(kafka.bootstrap(), topic, [b"%d" % n for n in range(10)])
    async with opened(kafka, once=True, topics=(topic,), group_id=group, max_batch_bytes=1) as (source, _):
        batches = [batch async for batch in source.batches()]
        await source.commit(batches[2].lane, batches[2].upto)
        assert source.counts["kafka_messages_expired"] == 0  # type: ignore[attr-defined]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap())
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=7)})
    await admin.close()
    async with opened(kafka, once=True, topics=(topic,), group_id=group) as (source, _):
        assert values(await read_all(source)) == [b"7", b"8", b"9"]
        assert source.counts["kafka_messages_expired"] == 4  # type: ignore[attr-defined]


async def test_a_message_larger_than_a_fetch_is_read(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka, max_message_bytes="4000000")
    large = random.Random(2).randbytes(3_000_000)
    await produce(kafka.bootstrap(), topic, [b"1", large, b"3"], max_request_size=4_000_000, max_batch_size=4_000_000)
    async with opened(kafka, once=True, topics=(topic,), max_fetch_bytes=100_000) as (source, _):
        assert values(await read_all(source)) == [b"1", large, b"3"]


async def test_several_topics_by_name_and_by_pattern_are_read_together(kafka: KafkaServer) -> None:
    topics = [await create_topic(kafka, name) for name in ("one", "two", "three")]
    for topic in topics:
        await produce(kafka.bootstrap(), topic, [topic.encode()])
    async with opened(kafka, once=True, topics=tuple(topics[:2])) as (source, _):
        assert sorted(values(await read_all(source))) == sorted(topic.encode() for topic in topics[:2])
    async with opened(kafka, once=True, topics=(topics[0],), pattern=topics[2]) as (source, _):
        assert sorted(values(await read_all(source))) == sorted(topic.encode() for topic in (topics[0], topics[2]))


async def test_while_a_transaction_may_move_a_partition_it_is_not_begun(kafka: KafkaServer) -> None:
    """What the client library would read as the group's offset here is the one before."""
    topic, out, group = await create_topic(kafka), await create_topic(kafka, "out"), unique("once")
    await produce(kafka.bootstrap(), topic, [b"0", b"1", b"2"])
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), transactional_id=unique("tx")) as writer:
        async with writer.transaction():
            await writer.send_offsets_to_transaction({TopicPartition(topic, 0): 1}, group)
        await writer.begin_transaction()
        await writer.send_offsets_to_transaction({TopicPartition(topic, 0): 2}, group)
        assert await committed(kafka.bootstrap(), group) == {f"{topic}/0": 1}
        async with member(kafka.bootstrap(), group, topic, out, out, once=True) as one:
            running = asyncio.create_task(one.run())
            await until(lambda: any(lane.owned for lane in one.source.group.lanes.values()))
            await asyncio.sleep(1)
            assert one.source.group.lanes[TopicPartition(topic, 0)].handed_out == -1
            await writer.commit_transaction()
            await running
    found = await consume(kafka.bootstrap(), out, 2, isolation_level="read_committed")
    assert [message.value for message in found] == [b"2", b"event of 2"]


BEARER = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ."
"""{"alg":"none"}.{"sub":"alice","iat":1700000000,"exp":4102444800} (RFC 7519 section 6)"""


@pytest.mark.parametrize("listener", ["TLS", "MTLS", "SASLTLS", "SASL"])
async def test_a_source_reads_through_every_listener(kafka: KafkaServer, certificates: Path, listener: str) -> None:
    topic = await create_topic(kafka)
    await produce(kafka.bootstrap(), topic, [b"1"])
    shown = {"cert_file": str(certificates / "client.pem"), "key_file": str(certificates / "client.key")}
    options: dict[str, object] = {"bootstrap_servers": kafka.bootstrap(listener)}
    if "TLS" in listener:
        options["tls"] = Tls(ca_file=str(certificates / "ca.pem"), **(shown if listener == "MTLS" else {}))
    if listener == "SASLTLS":
        options["sasl"] = Sasl(mechanism="SCRAM-SHA-512", username="alice", password=Secret(USERS["alice"]))
    if listener == "SASL":
        options["sasl"] = Sasl(mechanism="OAUTHBEARER", token=Secret(BEARER))
    async with opened(kafka, once=True, topics=(topic,), **options) as (source, _):
        assert values(await read_all(source)) == [b"1"]


async def test_a_source_logs_in_and_says_why_it_cannot(kafka: KafkaServer, caplog: pytest.LogCaptureFixture) -> None:
    topic = await create_topic(kafka)
    await produce(kafka.bootstrap(), topic, [b"1"])
    login = Sasl(mechanism="SCRAM-SHA-256", username="alice", password=Secret(USERS["alice"]))
    async with opened(kafka, once=True, topics=(topic,), sasl=login, bootstrap_servers=kafka.bootstrap("SASL")) as (source, _):
        assert values(await read_all(source)) == [b"1"]
    guess = Sasl(mechanism="PLAIN", username="alice", password=Secret("guessed"))
    async with opened(kafka, topics=(topic,), sasl=guess, bootstrap_servers=kafka.bootstrap("SASL")) as (source, reading):
        reading_all = asyncio.create_task(read_all(source))
        await until(lambda: source.counts["kafka_connects_failed"])  # type: ignore[attr-defined]
        reading.stop.set()
        assert await reading_all == []
    assert "SaslAuthenticationFailed" in caplog.text
    assert "guessed" not in caplog.text


async def test_it_goes_on_when_the_broker_was_gone(kafka3: KafkaServer) -> None:
    topic, group = await create_topic(kafka3, partitions=3), unique("group")
    found: list[Batch] = []
    async with opened(kafka3, topics=(topic,), group_id=group, request_timeout_secs=5.0) as (source, reading):

        async def read() -> None:
            async for batch in source.batches():
                found.append(batch)
                await source.commit(batch.lane, batch.upto)

        reader = asyncio.create_task(read())
        for broker in (0, 1):
            await produce(kafka3.bootstrap(), topic, [b"%d" % (broker * 100 + n) for n in range(30)], partition=None, acks="all")
            kafka3.kill(broker)
            await asyncio.sleep(0.5)
            kafka3.restart(broker)
        await until(lambda: len(set(values(found))) == 60)
        reading.stop.set()
        await reader
    assert sum((await committed(kafka3.bootstrap(), group)).values()) == 60


async def test_once_ends_when_what_another_member_holds_is_committed_and_no_sooner(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka, partitions=2), unique("group")
    for partition in range(2):
        await produce(kafka.bootstrap(), topic, [b"%d" % partition], partition=partition)
    async with opened(kafka, topics=(topic,), group_id=group) as (slow, _):
        slow_reader = slow.batches()
        held = [await anext(slow_reader), await anext(slow_reader)]
        for batch in held:
            await slow.commit(batch.lane, batch.upto)
        async with opened(kafka, once=True, topics=(topic,), group_id=group) as (one, _):
            following = asyncio.create_task(anext(slow_reader))
            reading = asyncio.create_task(read_all(one))
            await until(lambda: any(lane.owned for lane in one.group.lanes.values()))
            assert values(await reading) == []  # everything is committed, although half of it is another's
        for partition in range(2):
            await produce(kafka.bootstrap(), topic, [b"new %d" % partition], partition=partition)
        async with opened(kafka, once=True, topics=(topic,), group_id=group) as (one, _):
            reading = asyncio.create_task(read_all(one))
            batches = [await following]
            await asyncio.sleep(2)
            assert not reading.done()
            for batch in batches:
                await slow.commit(batch.lane, batch.upto)
            following = asyncio.create_task(anext(slow_reader))
            await asyncio.wait([reading, following], timeout=10, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                batch = following.result()
                batches.append(batch)
                await slow.commit(batch.lane, batch.upto)
            batches += await asyncio.wait_for(reading, 10)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert sorted(values(batches)) == [b"new 0", b"new 1"]


async def test_marks_of_transactions_and_aborted_messages_are_committed_and_count_for_no_lag(kafka: KafkaServer) -> None:
    topic, group = await create_topic(kafka, partitions=2), unique("group")
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), transactional_id=unique("tx")) as writer:
        async with writer.transaction():
            await writer.send_and_wait(topic, b"kept", partition=0)
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"aborted", partition=1)
        await writer.abort_transaction()
    async with opened(kafka, topics=(topic,), group_id=group) as (source, reading):
        reader = asyncio.create_task(read_all(source))

        async def passed() -> bool:
            return await committed(kafka.bootstrap(), group) == {f"{topic}/0": 2, f"{topic}/1": 2}

        await until(passed)
        assert source.lag() == {f"{topic}/0": 0, f"{topic}/1": 0}
        async with opened(kafka, once=True, topics=(topic,), group_id=group) as (other, _):
            assert await read_all(other) == []
        reading.stop.set()
        assert values(await reader) == [b"kept"]
