"""Measure what delivery costs: `python -m benchmarks.delivery`.

Runs the whole program from files and Kafka to files, a collector that only answers, and Kafka, in turns in one run, beside the
plain pipe from standard input to standard output, and prints ratios of their speeds. Time counts from the first batch that is read
to the last that is safe, in every process: neither start-up nor joining a group. Kafka is a real broker, as the tests start it.

Others may use this machine's cores meanwhile. So beside the megabytes a second as they were, there are those "on free cores": the
time in which a process could run and was not let (Linux tells it) is taken off. Ratios are of these, and for Kafka of CPU time too:
there the broker takes its own time, which is the same for all.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from benchmarks.corpus import generate

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from servers.kafka_server import KafkaServer
from servers.ports import free_ports
from servers.topics import create_topic

from benchmarks.peers import WORKED

PEER = [sys.executable, "-m", "benchmarks.peers"]
RUN = [*PEER, "run"]
PARTITIONS = 3
TOGETHER = {"group.initial.rebalance.delay.ms": "3000"}
"""A broker's default: who comes within this time joins at once with the first, instead of taking over later."""


class Run(NamedTuple):
    """Seconds: as the clock has them, as they had been with a free core for each process, and of CPU time of all processes; and the
    largest process's peak of memory, in megabytes."""

    wall: float
    free: float
    cpu: float
    peak: float


@dataclass
class Way:
    """A way for records to go: prepares a run over an input and returns its processes' commands; what runs took."""

    name: str
    prepare: Callable[[str], Sequence[Sequence[str]]]
    beside: str = ""
    target: float = 0
    crowd: bool = False
    """Its processes wait for one another's cores, which is its own affair: its ratio is by the clock."""
    runs: list[Run] = field(default_factory=list)

    def took(self) -> Run:
        """The median of each."""
        return Run(*map(statistics.median, zip(*self.runs, strict=True)))


class Bench:
    """The inputs ("full" and "empty") as files and as topics, and configurations to run over them."""

    def __init__(self, folder: Path, collector: str, log: bytes) -> None:
        self._folder = folder
        self._kafka: KafkaServer | None = None
        self._collector = collector
        self._numbers = itertools.count()
        self._topics: dict[str, str] = {}
        self._contents = {"full": log, "empty": b""}
        for name, content in self._contents.items():
            (folder / name).write_bytes(content)

    def use(self, kafka: KafkaServer) -> None:
        """Put the inputs into topics of *kafka*, too."""
        self._kafka = kafka
        for name, content in self._contents.items():
            self._topics[name] = asyncio.run(fill(kafka, content.splitlines()))

    @property
    def kafka(self) -> KafkaServer:
        if self._kafka is None:
            raise SystemExit("no broker is running")
        return self._kafka

    def log_of(self, number: int) -> Path:
        """Where a process's standard error goes."""
        return self._folder / f"log-{number}"

    def input(self, name: str) -> Path:
        return self._folder / name

    def _configure(self, sources: object, sinks: object, **more: object) -> str:
        """Write a configuration with a state folder of its own, as YAML's subset JSON."""
        number = next(self._numbers)
        config = {"state_dir": str(self._folder / f"state-{number}"), "sources": [sources], "sinks": [sinks], **more}
        path = self._folder / f"config-{number}.yaml"
        path.write_text(json.dumps(config))
        return str(path)

    def _file(self, name: str) -> dict[str, object]:
        return {"type": "file", "paths": [str(self._folder / name)]}

    def _topic(self, name: str) -> dict[str, object]:
        group = {"group_id": uuid.uuid4().hex, "topics": [self._topics[name]]}
        return {"type": "kafka", "bootstrap_servers": self.kafka.bootstrap()} | group

    def _out(self) -> dict[str, object]:
        topic = asyncio.run(create_topic(self.kafka, "out", PARTITIONS))
        return {"type": "kafka", "bootstrap_servers": self.kafka.bootstrap(), "topic": topic}

    def pipe(self, _name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure({"type": "stdin", "when_full": "block"}, {"type": "stdout"})]]

    def one(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._file(name), {"type": "stdout"})]]

    def workers(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._file(name), {"type": "stdout"}, workers=2)]]

    def to_slow(self, name: str) -> Sequence[Sequence[str]]:
        sink = {"type": "otlp", "endpoint": f"{self._collector}/slow", "when_down": "spill"}
        return [[*RUN, self._configure(self._file(name), sink)]]

    def to_file(self, name: str) -> Sequence[Sequence[str]]:
        out = self._folder / f"out-{next(self._numbers)}"
        return [[*RUN, self._configure(self._file(name), {"type": "file", "path": str(out)})]]

    def to_collector(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._file(name), {"type": "otlp", "endpoint": self._collector})]]

    def kafka_to_kafka(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._topic(name), self._out())]]

    def exactly_once(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._topic(name), self._out(), delivery="exactly_once")]]

    def three_consumers(self, name: str) -> Sequence[Sequence[str]]:
        source, sink = self._topic(name), self._out()
        return [[*RUN, self._configure(source, sink)] for _ in range(PARTITIONS)]

    def copy(self, name: str) -> Sequence[Sequence[str]]:
        return [[*PEER, "copy", self._configure(self._topic(name), self._out())]]


async def fill(kafka: KafkaServer, lines: list[bytes]) -> str:
    """Write *lines* to a topic of their own, by turns to its partitions."""
    topic: str = await create_topic(kafka, "in", PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), max_batch_size=1 << 18, linger_ms=20) as producer:
        for number, line in enumerate(lines):
            await producer.send(topic, line, partition=number % PARTITIONS)
    return topic


@contextmanager
def collector() -> Iterator[str]:
    """The address of a collector in a process of its own."""
    (port,) = free_ports(1)
    process = subprocess.Popen([*PEER, "collector", str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def measure(way: Way, bench: Bench, name: str = "full") -> Run:
    """Run once; what it took."""
    commands = way.prepare(name)
    cpu, peak, spans = 0.0, 0.0, []
    with open(bench.input(name), "rb") as stdin:
        processes = [
            subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=bench.log_of(number).open("wb"))
            for number, command in enumerate(commands)
        ]
        for number, process in enumerate(processes):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said = bench.log_of(number).read_text()
            if process.returncode:
                raise SystemExit(f"{way.name}: ended with {process.returncode}: {said[-2000:]}")
            first, last = json.loads(said.rpartition(WORKED)[2])
            spans.append((first, last))
            cpu += usage.ru_utime + usage.ru_stime - first["cpu"]
            peak = max(peak, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
    wall = max(last["clock"] for _, last in spans) - min(first["clock"] for first, _ in spans)
    first, last = max(spans, key=lambda span: span[1]["cpu"] - span[0]["cpu"])  # the busiest, for which others wait at the end
    return Run(wall, wall - (last["waited"] - first["waited"]), cpu, peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=20, help="megabytes of log (default 20)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default 3)")
    parser.add_argument("--only", default="", help="measure the ways whose name holds this")
    arguments = parser.parse_args()
    cores = min(PARTITIONS, os.cpu_count() or 1)
    log = b"".join(generate("mixed", int(arguments.size * 1e6)))
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bench = Bench(folder, stack.enter_context(collector()), log)
        ways = [
            Way("pipe", bench.pipe),
            Way("file to file, checkpoints", bench.to_file, "pipe", 0.8),
            Way("file to OTLP/JSON", bench.to_collector, "pipe", 0.6),
            Way("file to a slow OTLP/JSON, spool", bench.to_slow),
            Way("file to pipe, one process", bench.one),
            Way("file to pipe, two workers", bench.workers, "file to pipe, one process", 0.8 * min(2, cores), crowd=True),
            Way("Kafka to Kafka, redaction left out", bench.copy),
            Way("Kafka to Kafka, at least once", bench.kafka_to_kafka, "Kafka to Kafka, redaction left out", 0.6),
            Way("Kafka to Kafka, exactly once", bench.exactly_once, "Kafka to Kafka, at least once", 0.7),
            Way("Kafka to Kafka, three consumers", bench.three_consumers, "Kafka to Kafka, at least once", 0.8 * cores, crowd=True),
        ]
        chosen = [way for way in ways if arguments.only.lower() in way.name.lower()]
        beside = {way.beside for way in chosen}
        ways = [way for way in ways if way in chosen or way.name in beside]
        if any("Kafka" in way.name for way in ways):
            bench.use(stack.enter_context(KafkaServer(settings=TOGETHER)))
        measure(Way("warm-up", bench.pipe), bench, "empty")  # compiles the rules, where that was not done yet
        for _ in range(arguments.rounds):
            for way in ways:
                way.runs.append(measure(way, bench))
    by_name = {way.name: way for way in ways}
    print(f"{len(log) / 1e6:.0f} MB, {log.count(bytes([10]))} lines, median of {arguments.rounds}, {time.strftime('%Y-%m-%d')}\n")
    columns = ("MB/s", "on free cores", "CPU us/line", "peak MB", "beside", "ratio", "of CPU", "wanted")
    print(f"| way | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|")
    for way in ways:
        took, peak = way.took(), max(run.peak for run in way.runs)
        cells = [f"{len(log) / 1e6 / secs:.1f}" for secs in (took.wall, took.free)]
        cells += [f"{took.cpu / log.count(bytes([10])) * 1e6:.1f}", f"{peak:.0f}"]
        if compared := by_name.get(way.beside):
            other, by = compared.took(), "wall" if way.crowd else "free"
            of_cpu = f"{other.cpu / took.cpu:.2f}" if "Kafka" in way.name else ""
            cells += [compared.name, f"{getattr(other, by) / getattr(took, by):.2f}", of_cpu, f"{way.target:.2f}"]
        print(f"| {way.name} | {' | '.join(cells)}{' | ' * (len(columns) - len(cells))} |")


if __name__ == "__main__":
    main()
