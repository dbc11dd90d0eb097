"""The whole program, configured by a file, between real servers."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sanitizer.audit.verify import verify
from servers.kafka_server import KafkaServer
from servers.otelcol import Collector
from servers.topics import committed, consume, create_topic, produce, until

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-m", "sanitizer", "run", "--config"]
SECRET = b"ghp_" + b"Zx9" * 12


def line(number: int) -> bytes:
    return b'{"timestamp":"2026-11-21T10:00:00Z","level":"info","message":"record %d with %b"}' % (number, SECRET)


def configure(folder: Path, text: str) -> str:
    path = folder / "sanitizer.toml"
    path.write_text(f'state_dir = "{folder}/state"\n{text}')
    return str(path)


async def start(config: str, *options: str) -> Process:
    return await asyncio.create_subprocess_exec(*RUN, config, *options, cwd=ROOT, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)


async def finish(process: Process) -> bytes:
    """What it said, once it has ended well."""
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()
    return said


def assert_free_of_secrets(folder: Path, *texts: bytes) -> None:
    assert [path for path in folder.rglob("*") if path.is_file() and SECRET in path.read_bytes()] == []
    assert [text for text in texts if SECRET in text] == []


async def test_from_kafka_to_a_collector_and_to_kafka(kafka: KafkaServer, collector: Collector, tmp_path: Path) -> None:
    topic, clean = await create_topic(kafka, "mcp-logs"), await create_topic(kafka, "mcp-logs-clean")
    await produce(kafka.bootstrap(), topic, [line(n) for n in range(50)], key=b"key " + SECRET, headers=[("token", SECRET)])
    await produce(kafka.bootstrap(), topic, [None], key=b"gone")
    config = configure(
        tmp_path,
        f"""
        [[sources]]
        type = "kafka"
        bootstrap_servers = "{kafka.bootstrap()}"
        topics = ["{topic}"]
        group_id = "{topic}"

        [[sinks]]
        type = "otlp"
        endpoint = "http://127.0.0.1:{collector.http_port}"

        [[sinks]]
        type = "kafka"
        bootstrap_servers = "{kafka.bootstrap()}"
        topic = "{clean}"
        """,
    )
    said = await finish(await start(config, "--once"))
    found = await consume(kafka.bootstrap(), clean, 51)
    assert [json.loads(message.value)["message"].split(" with ")[0] for message in found[:50]] == [f"record {n}" for n in range(50)]
    assert (found[50].key, found[50].value) == (b"gone", None)
    assert {name for message in found[:50] for name, _ in message.headers} == {"token"}
    assert await committed(kafka.bootstrap(), topic) == {f"{topic}/0": 51}

    def arrived() -> set[str]:
        attributes = [attribute for record in collector.records() for attribute in record["attributes"]]
        return {each["value"]["stringValue"] for each in attributes if each["key"] == "log.record.uid"}

    await until(lambda: {f"{topic}/0:{n}" for n in range(51)} <= arrived())
    carried = [b"".join((message.key, message.value or b"", *(value for _, value in message.headers))) for message in found]
    assert_free_of_secrets(tmp_path, said, *carried, json.dumps(list(collector.documents())).encode())


def kafka_to_kafka(kafka: KafkaServer, topic: str, out: str, folder: Path, more: str = "", **options: object) -> str:
    settings = {"delivery": "exactly_once", "max_batch_bytes": 2000} | options
    return configure(
        folder,
        f"""
        delivery = "{settings["delivery"]}"

        [[sources]]
        type = "kafka"
        bootstrap_servers = "{kafka.bootstrap()}"
        topics = ["{topic}"]
        group_id = "{topic}"
        session_timeout_secs = 1.5
        heartbeat_secs = 0.3
        max_batch_bytes = {settings["max_batch_bytes"]}

        [[sinks]]
        type = "kafka"
        bootstrap_servers = "{kafka.bootstrap()}"
        topic = "{out}"
        {more}
        """,
    )


async def test_exactly_once_although_the_program_is_killed_again_and_again(kafka: KafkaServer, tmp_path: Path) -> None:
    topic, out = await create_topic(kafka, "in", 2), await create_topic(kafka, "out")
    config = kafka_to_kafka(kafka, topic, out, tmp_path)
    luck = random.Random(3)
    written = 0

    async def write(numbers: Iterable[int]) -> None:
        for partition in range(2):
            await produce(kafka.bootstrap(), topic, [line(n) for n in numbers if n % 2 == partition], partition=partition)

    for _ in range(4):
        process = await start(config)
        await write(range(written, written + 300))
        written += 300
        await asyncio.sleep(luck.uniform(1.0, 2.5))
        process.kill()
        await process.communicate()
    await finish(await start(config, "--once"))
    found = await consume(kafka.bootstrap(), out, written, isolation_level="read_committed")
    counts = Counter(int(json.loads(message.value)["message"].split()[1]) for message in found)
    assert [n for n in range(written) if counts[n] != 1] == []
    assert_free_of_secrets(tmp_path, *(message.value for message in found))


async def test_told_to_stop_it_delivers_what_it_read_and_leaves_the_group(kafka: KafkaServer, tmp_path: Path) -> None:
    topic, out = await create_topic(kafka, "in"), await create_topic(kafka, "out")
    process = await start(kafka_to_kafka(kafka, topic, out, tmp_path))
    await produce(kafka.bootstrap(), topic, [line(n) for n in range(100)])

    async def begun() -> bool:
        return bool(await committed(kafka.bootstrap(), topic))

    await until(begun)
    process.send_signal(signal.SIGTERM)
    await finish(process)
    done = (await committed(kafka.bootstrap(), topic))[f"{topic}/0"]
    assert len(await consume(kafka.bootstrap(), out, done, isolation_level="read_committed")) == done


async def test_a_changed_source_takes_the_partitions_of_the_one_before(kafka: KafkaServer, tmp_path: Path) -> None:
    topic, out = await create_topic(kafka, "in", 2), await create_topic(kafka, "out")

    async def write(first: int) -> None:
        for partition in range(2):
            lines = [line(n) for n in range(first, first + 20) if n % 2 == partition]
            await produce(kafka.bootstrap(), topic, lines, partition=partition)

    process = await start(kafka_to_kafka(kafka, topic, out, tmp_path, delivery="at_least_once"))
    await write(0)

    async def all_committed(count: int) -> bool:
        return sum((await committed(kafka.bootstrap(), topic)).values()) == count

    await until(lambda: all_committed(20))
    kafka_to_kafka(kafka, topic, out, tmp_path, delivery="at_least_once", max_batch_bytes=3000)
    process.send_signal(signal.SIGHUP)
    await asyncio.sleep(3)
    await write(20)
    await until(lambda: all_committed(40))
    process.send_signal(signal.SIGTERM)
    await finish(process)
    found = await consume(kafka.bootstrap(), out, 40)
    assert {int(json.loads(message.value)["message"].split()[1]) for message in found} == set(range(40))


def test_what_cannot_be_exactly_once_is_refused_at_start(kafka: KafkaServer, tmp_path: Path) -> None:
    config = Path(kafka_to_kafka(kafka, "in", "out", tmp_path))
    config.write_text(config.read_text() + '\n[[sinks]]\ntype = "stdout"\n')
    ended = subprocess.run([*RUN, str(config)], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert b"exactly_once cannot include the stdout sink: only writes to Kafka can be part of a transaction" in ended.stderr


DYING = """
import os, sys
from sanitizer.service import daemon
from sanitizer.pipeline.transactions import Transactions
write = Transactions._write
async def write_and_die(self, ledger, pieces, after):
    await write(self, ledger, pieces, after)
    if any(piece.kind == "audit" for _, piece in pieces):
        os._exit(9)
Transactions._write = write_and_die
daemon.run(sys.argv[1])
"""
"""Ends at the worst moment: when a transaction with audit events is committed, and nobody here was told."""


async def test_audit_chains_are_whole_although_the_program_dies_right_after_a_commit(kafka: KafkaServer, tmp_path: Path) -> None:
    topic, out, audit = [await create_topic(kafka, name, 2) for name in ("in", "out", "audit")]
    trail = f"""
        [audit]
        server = "test"

        [[sinks]]
        type = "kafka"
        name = "trail"
        bootstrap_servers = "{kafka.bootstrap()}"
        topic = "{audit}"
        receives = ["audit"]
    """
    config = kafka_to_kafka(kafka, topic, out, tmp_path, trail)
    calls = 0
    for _ in range(4):
        for partition in range(2):
            lines = [
                json.dumps({"jsonrpc": "2.0", "id": n, **frame}).encode()
                for n in range(calls, calls + 40)
                for frame in ({"method": "tools/call", "params": {"name": "t", "arguments": {"n": n}}}, {"result": {"content": []}})
            ]
            await produce(kafka.bootstrap(), topic, lines, partition=partition)
            calls += 40
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DYING, config, cwd=ROOT, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        )
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 9, said.decode()
    await finish(await start(config, "--once"))
    found = await consume(kafka.bootstrap(), audit, calls, isolation_level="read_committed")
    events = [json.loads(message.value) for message in found]
    assert sorted(event["id"] for event in events if event["type"] == "call") == list(range(calls))
    verdicts = verify([(str(message.offset), message.value) for message in found])
    assert [(verdict.faults, verdict.duplicates) for verdict in verdicts] == [([], 0), ([], 0)]
    assert len(await consume(kafka.bootstrap(), out, 2 * calls, isolation_level="read_committed")) == 2 * calls
