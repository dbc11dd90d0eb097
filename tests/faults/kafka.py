"""Members of one consumer group between two topics, what is written meanwhile, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer
from faults.harness import MAILBOX, NUMBER, TOKEN, Daemon, ended, in_order, lines, secrets_in, wait_for
from servers.kafka_server import KafkaServer
from servers.topics import consume, create_topic, unique

from sanitizer.pipeline.state import State

PARTITIONS = 4
SHARE = 1_000_000
"""How many numbers a partition has for its records."""
TOO_LARGE = 25
"""Each so manieth record is one that the sink refuses."""

CONFIG = """
state_dir = "{folder}/state-{member}"
delivery = "{delivery}"
commit_secs = 0.05

[[sources]]
type = "kafka"
bootstrap_servers = "{bootstrap}"
topics = ["{topic}"]
group_id = "{group}"
session_timeout_secs = 2.0
heartbeat_secs = 0.3
request_timeout_secs = 5.0
metadata_max_age_secs = 2.0
max_batch_bytes = 4096

[[sinks]]
type = "kafka"
bootstrap_servers = "{bootstrap}"
topic = "{out}"
key = "lane"
max_message_bytes = 16384
request_timeout_secs = 5.0
metadata_max_age_secs = 2.0
"""


class Members:
    """Daemons by number, each with a state folder of its own. `figures` tells what was done to them."""

    def __init__(self, kafka: KafkaServer, folder: Path, delivery: str, names: tuple[str, str, str]) -> None:
        self.kafka = kafka
        self.folder = folder
        self.delivery = delivery
        self.topic, self.out, self.group = names
        self.running: dict[int, Daemon] = {}
        self.figures: Counter[str] = Counter()
        self.written = [0] * PARTITIONS

    def start(self, member: int, *options: str) -> Daemon:
        path = self.folder / f"member-{member}.toml"
        names = {"topic": self.topic, "out": self.out, "group": self.group, "bootstrap": self.kafka.bootstrap()}
        path.write_text(CONFIG.format(folder=self.folder, member=member, delivery=self.delivery, **names))
        self.running[member] = daemon = Daemon(path, *options)
        return daemon

    def kill(self, member: int) -> None:
        """kill -9."""
        self.running.pop(member).kill()
        self.figures["kills"] += 1

    async def stop(self, member: int) -> None:
        """SIGTERM; what it says at the end must add up."""
        daemon = self.running.pop(member)
        await asyncio.to_thread(wait_for, lambda: listens(daemon.process.pid), daemon)
        assert await asyncio.to_thread(daemon.stop, 60.0) == 0, daemon.said()
        assert_adds_up(daemon)
        self.figures["stops"] += 1

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write to every partition while the block lasts."""
        done = asyncio.Event()
        options = {"acks": "all", "enable_idempotence": True, "metadata_max_age_ms": 2000, "request_timeout_ms": 60_000}
        async with AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap(), **options) as producer:
            writer = asyncio.create_task(self._write(producer, done))
            try:
                yield
            finally:
                done.set()
                await writer

    async def _write(self, producer: AIOKafkaProducer, done: asyncio.Event) -> None:
        rng = random.Random(1)
        while not done.is_set():
            sent = []
            for partition in range(PARTITIONS):
                first = partition * SHARE + self.written[partition]
                self.written[partition] += 10
                for number in range(first, first + 10):
                    value = lines(number, number + 1).strip()
                    if number % TOO_LARGE == 0:
                        value += b" and more " + rng.randbytes(10_000).hex(" ", 2).encode()
                    sent.append(await producer.send(self.topic, value, partition=partition))
            await asyncio.gather(*sent)
            await asyncio.sleep(0.1)

    async def finish(self) -> None:
        """Kill who is left, let one run read the rest, and see that all of the promise was kept."""
        for member in list(self.running):
            self.kill(member)
        last = self.start(0, "--once")
        await asyncio.to_thread(wait_for, lambda: last.process.poll() is not None, None, 150)
        assert last.process.returncode == 0, last.said()
        assert_adds_up(last)
        written = {partition * SHARE + n for partition, count in enumerate(self.written) for n in range(count)}
        large = {number for number in written if number % TOO_LARGE == 0}
        isolation = "read_committed" if self.delivery == "exactly_once" else "read_uncommitted"
        wanted = len(written) - len(large)
        found = await consume(self.kafka.bootstrap(), self.out, wanted, secs=60, isolation_level=isolation)
        numbers = [int(match[1]) for message in found if (match := NUMBER.search(message.value))]
        assert len(numbers) == len(found)
        assert set(numbers) == written - large
        duplicates = len(numbers) - len(set(numbers))
        if self.delivery == "exactly_once":
            assert duplicates == 0
        for partition in range(PARTITIONS):
            assert in_order([number for number in numbers if number // SHARE == partition])
        assert self._buried() == large
        assert not any(MAILBOX.search(message.value) or TOKEN.search(message.value) for message in found)
        assert secrets_in(self.folder) == []
        self.figures += Counter(records=len(written), rejected=len(large), again=duplicates)

    def _buried(self) -> set[int]:
        """The numbers of the records among the dead letters."""
        buried = set()
        for folder in self.folder.glob("state-*"):
            state = State(folder, exclusive=False)
            buried |= {int(match[1]) for letter in state.dead_letters() if (match := NUMBER.search(letter.record))}
            state.close()
        return buried


def listens(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM (proc_pid_status(5)): before it is loaded it has none."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> signal.SIGTERM - 1 & 1)


def assert_adds_up(daemon: Daemon) -> None:
    """Everything that was read is accounted for in its last words."""
    said = ended(daemon)
    assert said["read"] == said["delivered"] + said["withheld"] + said["dead_lettered"] + said["dropped"] + said["left"], said


@asynccontextmanager
async def members(kafka: KafkaServer, folder: Path, delivery: str, what: str) -> AsyncIterator[Members]:
    """A group without members yet. Afterwards all is checked, and the figures are noted where `SANITIZER_FAULT_REPORT` says."""
    names = (await create_topic(kafka, "in", PARTITIONS), await create_topic(kafka, "out", PARTITIONS), unique("group"))
    group = Members(kafka, folder, delivery, names)
    try:
        async with group.writing():
            yield group
        await group.finish()
    finally:
        for daemon in group.running.values():
            daemon.kill()
    if path := os.environ.get("SANITIZER_FAULT_REPORT"):
        with open(path, "a") as file:  # noqa: ASYNC230 - one line, at the end
            file.write(json.dumps({"what": f"Kafka {delivery.replace('_', ' ')}: {what}", **group.figures}) + "\n")
