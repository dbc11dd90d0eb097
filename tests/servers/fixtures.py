"""The servers as fixtures, each started once a session. In CI (`CI=true`) what is missing is a failure, elsewhere a skip."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import cache, kafka_server, otelcol
from servers.certificates import write_certificates
from servers.kafka_server import KafkaServer
from servers.otelcol import Collector

USERS = {"alice": "wonderland-7"}


def _require(name: str, built_as: str, *programs: str, build: tuple[str, ...]) -> None:
    """Skip unless *name* can be started: *programs* always needed, *build* only while the cache does not hold *built_as*."""
    missing = [each for each in (*programs, *(() if (cache.folder() / built_as).is_dir() else build)) if not shutil.which(each)]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"{name} needs {', '.join(missing)} on the PATH; it is then built once, into {cache.folder()}")


def _require_kafka() -> None:
    _require("Apache Kafka", kafka_server.CACHE_NAME, "java", build=("mvn",))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, a server's and a client's certificate."""
    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def kafka(certificates: Path) -> Iterator[KafkaServer]:
    """One broker with every listener; user alice. Topics are made on first use, with three partitions."""
    _require_kafka()
    with KafkaServer(users=USERS, certificates=certificates, settings={"num.partitions": "3"}) as server:
        yield server


@pytest.fixture(scope="session")
def kafka3() -> Iterator[KafkaServer]:
    """Three brokers, three replicas, two of them needed. A test that kills one starts it again."""
    _require_kafka()
    with KafkaServer(brokers=3, settings={"num.partitions": "3"}) as server:
        yield server


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """An OpenTelemetry Collector in the clear."""
    _require("the OpenTelemetry Collector", otelcol.CACHE_NAME, build=("go",))
    server = Collector()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def tls_collector(certificates: Path) -> Iterator[Collector]:
    """An OpenTelemetry Collector that asks for a client certificate."""
    _require("the OpenTelemetry Collector", otelcol.CACHE_NAME, build=("go",))
    server = Collector(certificates=certificates)
    yield server
    server.stop()
