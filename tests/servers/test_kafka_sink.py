"""The Kafka sink against a real broker."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from sanitizer.model import Clean, CleanBatch, Envelope, Retry, TooLarge
from servers.fixtures import USERS
from servers.kafka_server import KafkaServer
from servers.ports import free_ports
from servers.topics import consume, create_topic, unique
from sinks.kafka.config import KafkaSinkConfig
from sinks.kafka.login import Sasl
from sinks.options import Secret, Tls

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def batch(records: Sequence[bytes], lane: str = "app.log", envelopes: Sequence[Envelope] = ()) -> CleanBatch:
    offsets = range(len(records))
    return CleanBatch(lane, [Clean(record) for record in records], offsets, len(records), envelopes=envelopes)


def config(kafka: KafkaServer, topic: str, **options: object) -> KafkaSinkConfig:
    return KafkaSinkConfig(**({"bootstrap_servers": kafka.bootstrap(), "topic": topic} | options))


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_records_arrive_in_order_whatever_the_codec(kafka: KafkaServer, compression: str) -> None:
    topic = await create_topic(kafka)
    records = [b'{"n":%d}' % n for n in range(500)]
    async with config(kafka, topic, compression=compression).open() as sink:
        receipt = await sink.send(batch(records))
    assert (receipt.rejected, receipt.pending) == ((), ())
    assert [found.value for found in await consume(kafka.bootstrap(), topic, 500)] == records


async def test_the_key_is_the_sources_or_the_lane_or_a_field(kafka: KafkaServer) -> None:
    envelopes = [Envelope(key=Clean(b"k1")), Envelope(key=None)]
    records = [b'{"a":{"b":"x"}}', b'{"a":{"b":7}}']
    expected = {
        "source": [b"k1", None],
        "lane": [b"in/0", b"in/0"],
        "none": [None, None],
        "a.b": [b"x", b"7"],
    }
    for key, keys in expected.items():
        topic = await create_topic(kafka)
        async with config(kafka, topic, key=key).open() as sink:
            await sink.send(batch(records, "in/0", envelopes))
        assert [found.key for found in await consume(kafka.bootstrap(), topic, 2)] == keys, key


async def test_headers_and_tombstones_are_kept(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka)
    envelopes = [Envelope(Clean(b"k"), [("trace", Clean(b"1"))]), Envelope(Clean(b"k"), tombstone=True), Envelope(tombstone=True)]
    async with config(kafka, topic, headers={"origin": "mcp"}).open() as sink:
        await sink.send(batch([b"v", b"", b""], "in/0", envelopes))
    first, second, third = await consume(kafka.bootstrap(), topic, 3)
    assert (first.value, first.headers) == (b"v", (("trace", b"1"), ("origin", b"mcp")))
    assert (second.key, second.value) == (b"k", None)
    assert (third.key, third.value) == (None, None)


async def test_partitions_are_found_as_other_clients_find_them(kafka: KafkaServer) -> None:
    keys = [b"key-%d" % n for n in range(20)]
    envelopes = [Envelope(Clean(key)) for key in keys]
    topic = await create_topic(kafka, partitions=3)
    async with config(kafka, topic, partitioner="crc32").open() as sink:
        await sink.send(batch(keys, "in/0", envelopes))
    assert {found.key: found.partition for found in await consume(kafka.bootstrap(), topic, 20)} == {
        key: zlib.crc32(key) % 3 for key in keys
    }
    ours, theirs = await create_topic(kafka, partitions=3), await create_topic(kafka, partitions=3)
    async with config(kafka, ours).open() as sink, AIOKafkaProducer(bootstrap_servers=kafka.bootstrap()) as other:
        await sink.send(batch(keys, "in/0", envelopes))
        await asyncio.gather(*[await other.send(theirs, key, key=key) for key in keys])
    places = [{each.key: each.partition for each in await consume(kafka.bootstrap(), topic, 20)} for topic in (ours, theirs)]
    assert places[0] == places[1]
    topic = await create_topic(kafka, partitions=3)
    async with config(kafka, topic, partitioner="source").open() as sink:
        await sink.send(batch(keys, "in/2", envelopes))
    assert {found.partition for found in await consume(kafka.bootstrap(), topic, 20)} == {2}


async def test_a_record_too_large_for_the_topic_is_rejected_and_the_others_arrive(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka, max_message_bytes="20000")
    records = [b"a" * 100, b"b" * 30_000, b"c" * 100]
    async with config(kafka, topic, compression="none").open() as sink:
        with pytest.raises(TooLarge):
            await sink.send(batch(records))
        with pytest.raises(TooLarge):
            await sink.send(batch(records[:2]))
        assert not (await sink.send(batch(records[:1]))).rejected
        (rejection,) = (await sink.send(batch(records[1:2]))).rejected
        assert (rejection.index, rejection.reason) == (0, "larger than the topic takes")
        assert not (await sink.send(batch(records[2:]))).rejected
    assert [found.value for found in await consume(kafka.bootstrap(), topic, 2)] == [records[0], records[2]]


async def test_in_a_transaction_readers_see_all_of_a_batch_or_nothing(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka, partitions=2, max_message_bytes="20000")
    envelopes = [Envelope(Clean(b"%d" % n)) for n in range(6)]
    async with config(kafka, topic, compression="none", transactional_id=unique("tx")).open() as sink:
        await asyncio.gather(*[sink.send(batch([b"%d" % n for n in range(6)], f"lane-{lane}", envelopes)) for lane in range(3)])
        large = [b"x", b"x", b"l" * 30_000, b"x", b"x", b"x"]
        with pytest.raises(TooLarge):
            await sink.send(batch(large, "in/0", envelopes))
        (rejection,) = (await sink.send(batch(large[2:3], "in/0", envelopes[:1]))).rejected
        await sink.send(batch([b"last"], "in/0", envelopes[:1]))
    assert rejection.reason == "larger than the topic takes"
    found = [each.value for each in await consume(kafka.bootstrap(), topic, 19, isolation_level="read_committed")]
    assert sorted(found) == sorted([b"%d" % n for n in range(6)] * 3 + [b"last"])


async def test_what_is_larger_than_the_sinks_own_bound_never_reaches_the_broker(kafka: KafkaServer) -> None:
    topic = await create_topic(kafka)
    async with config(kafka, topic, max_message_bytes=2000).open() as sink:
        receipt = await sink.send(batch([b"a", b"b" * 3000, b"c"]))
    assert [(each.index, each.reason) for each in receipt.rejected] == [(1, "larger than max_message_bytes")]
    assert [found.value for found in await consume(kafka.bootstrap(), topic, 2)] == [b"a", b"c"]


async def test_a_broker_that_is_not_there_is_a_reason_to_retry() -> None:
    (port,) = free_ports(1)
    async with KafkaSinkConfig(bootstrap_servers=f"127.0.0.1:{port}", topic="t", timeout_secs=5).open() as sink:
        with pytest.raises(Retry):
            await sink.send(batch([b"x"]))


def sasl(mechanism: str, password: str = USERS["alice"]) -> Sasl:
    return Sasl(mechanism=mechanism, username="alice", password=Secret(password))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_login_by_password_is_taken_and_a_wrong_one_is_not(kafka: KafkaServer, mechanism: str) -> None:
    topic = await create_topic(kafka)
    listener = {"bootstrap_servers": kafka.bootstrap("SASL")}
    async with config(kafka, topic, sasl=sasl(mechanism), **listener).open() as sink:
        await sink.send(batch([b"x"]))
    async with config(kafka, topic, sasl=sasl(mechanism, "guessed"), **listener).open() as sink:
        with pytest.raises(Retry) as trouble:
            await sink.send(batch([b"y"]))
    assert "guessed" not in str(trouble.value)
    assert [found.value for found in await consume(kafka.bootstrap(), topic, 1)] == [b"x"]


UNSECURED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ."
"""{"alg":"none"}.{"sub":"alice","iat":1700000000,"exp":4102444800} (RFC 7519 section 6)"""


async def test_a_bearer_token_comes_from_the_configuration_a_file_or_a_command(kafka: KafkaServer, tmp_path: Path) -> None:
    topic = await create_topic(kafka)
    (tmp_path / "token").write_text(UNSECURED + "\n")
    origins = [
        {"token": Secret(UNSECURED)},
        {"token_file": str(tmp_path / "token")},
        {"token_command": ("cat", str(tmp_path / "token"))},
    ]
    for origin in origins:
        login = Sasl(mechanism="OAUTHBEARER", **origin)
        async with config(kafka, topic, bootstrap_servers=kafka.bootstrap("SASL"), sasl=login).open() as sink:
            await sink.send(batch([b"x"]))
    assert len(await consume(kafka.bootstrap(), topic, 3)) == 3


async def test_tls_trusts_the_authority_it_is_told_and_shows_a_certificate_where_asked(
    kafka: KafkaServer, certificates: Path
) -> None:
    topic = await create_topic(kafka)
    trusting = Tls(ca_file=str(certificates / "ca.pem"))
    known = Tls(
        ca_file=str(certificates / "ca.pem"), cert_file=str(certificates / "client.pem"), key_file=str(certificates / "client.key")
    )
    good = [("TLS", trusting, None), ("MTLS", known, None), ("SASLTLS", trusting, sasl("SCRAM-SHA-512"))]
    for listener, tls, login in good:
        async with config(kafka, topic, bootstrap_servers=kafka.bootstrap(listener), tls=tls, sasl=login).open() as sink:
            await sink.send(batch([listener.encode()]))
    for listener, tls in [("TLS", Tls()), ("MTLS", trusting)]:
        async with config(kafka, topic, bootstrap_servers=kafka.bootstrap(listener), tls=tls, timeout_secs=5).open() as sink:
            with pytest.raises((Retry, TimeoutError)):
                await sink.send(batch([b"never"]))
    assert sorted(found.value for found in await consume(kafka.bootstrap(), topic, 3)) == [b"MTLS", b"SASLTLS", b"TLS"]


async def test_nothing_acknowledged_is_lost_when_a_broker_is_killed(kafka3: KafkaServer) -> None:
    topic = await create_topic(kafka3, partitions=3)
    sent = 0
    async with config(kafka3, topic, metadata_max_age_secs=2, request_timeout_secs=5).open() as sink:

        async def send(number: int) -> None:
            while True:
                try:
                    await sink.send(batch([b"%d" % number], f"lane-{number % 7}"))
                except (Retry, TimeoutError):
                    await asyncio.sleep(0.2)
                else:
                    return

        while sent < 150:
            if sent == 50:
                kafka3.kill(1)
            await send(sent)
            sent += 1
        kafka3.restart(1)
    found = [int(each.value) for each in await consume(kafka3.bootstrap(), topic, sent)]
    assert set(found) == set(range(sent))
