"""The servers as fixtures, each started once a session. In CI (`CI=true`) what is missing is a failure, elsewhere a skip."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path

import pytest
from aiokafka.conn import AIOKafkaConnection

from servers import cache, kafka_server, otelcol
from servers import mcp_servers as mcp_programs
from servers import victoria_logs as victoria
from servers.certificates import write_certificates
from servers.kafka_server import KafkaServer
from servers.mcp_servers import McpServers
from servers.otelcol import Collector
from servers.postgres_server import PostgresServer, programs
from servers.victoria_logs import VictoriaLogs

USERS = {"alice": "wonderland-7"}


def _missing(built_as: str, runs_with: str | None, built_with: str) -> list[str]:
    """The programs that are not on the PATH: one to run the server with, one to build it unless the cache holds it."""
    needed = [runs_with, None if (cache.folder() / built_as).is_dir() else built_with]
    return [program for program in needed if program and not shutil.which(program)]


def _kafka_missing() -> list[str]:
    return _missing(kafka_server.CACHE_NAME, "java", "mvn")


def _collector_missing() -> list[str]:
    return _missing(otelcol.CACHE_NAME, None, "go")


def _victoria_missing() -> list[str]:
    return _missing(victoria.CACHE_NAME, None, "go")


def _mcp_missing() -> list[str]:
    return _missing(mcp_programs.CACHE_NAME, "node", "npm")


def _require(name: str, missing: list[str]) -> None:
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"{name} needs {' and '.join(missing)} on the PATH; it is then built once, into {cache.folder()}")


def prepare(names: Collection[str]) -> None:
    """Install what the fixtures *names* start. It takes up to minutes, once a machine, and so belongs into no test."""
    if {"kafka", "kafka3"}.intersection(names) and not _kafka_missing():
        kafka_server.install()
    if {"collector", "tls_collector"}.intersection(names) and not _collector_missing():
        otelcol.install()
    if "victoria_logs" in names and not _victoria_missing():
        victoria.install()
    if "mcp_servers" in names and not _mcp_missing():
        mcp_programs.install()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, a server's and a client's certificate."""
    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def kafka(certificates: Path) -> Iterator[KafkaServer]:
    """One broker with every listener; user alice. Topics are made on first use, with three partitions."""
    _require("Apache Kafka", _kafka_missing())
    with KafkaServer(users=USERS, certificates=certificates, settings={"num.partitions": "3"}) as server:
        yield server


@pytest.fixture(scope="session")
def kafka3() -> Iterator[KafkaServer]:
    """Three brokers, three replicas, two of them needed. A test that kills one starts it again."""
    _require("Apache Kafka", _kafka_missing())
    with KafkaServer(brokers=3, settings={"num.partitions": "3"}) as server:
        yield server


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """An OpenTelemetry Collector in the clear."""
    _require("the OpenTelemetry Collector", _collector_missing())
    server = Collector()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def tls_collector(certificates: Path) -> Iterator[Collector]:
    """An OpenTelemetry Collector that asks for a client certificate."""
    _require("the OpenTelemetry Collector", _collector_missing())
    server = Collector(certificates=certificates)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def victoria_logs(certificates: Path) -> Iterator[VictoriaLogs]:
    """A store of logs that speaks the protocols of SIEMs."""
    _require("VictoriaLogs", _victoria_missing())
    server = VictoriaLogs(certificates)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL with a database of its own for each who asks."""
    _require("PostgreSQL", [] if programs() else ["initdb and postgres (a system package)"])
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mcp_servers() -> McpServers:
    """Real MCP servers and clients, to be started by who uses them."""
    _require("real MCP servers", _mcp_missing())
    return mcp_programs.install()


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """End what clients leave behind that end in the middle of connecting: it must not be found in another test.

    A connection that a task still asks for is only there once the task has ended, so the tasks go first.
    """
    ours = asyncio.current_task()
    yield
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {ours, asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for each in gc.get_objects():  # also what nothing refers to any more, and what the collector would complain of, whenever it comes
        if isinstance(each, AIOKafkaConnection) and each._loop is loop:
            each.close()
    await asyncio.sleep(0.05)  # a transport closes in the loop's next rounds
