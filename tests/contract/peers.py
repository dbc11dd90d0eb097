"""For each kind of sink, what stands at its other end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from sanitizer.model import Sink
from sinks import (
    ElasticsearchConfig,
    FileConfig,
    HttpConfig,
    KafkaSinkConfig,
    LokiConfig,
    OtlpConfig,
    PostgresConfig,
    SinkConfig,
    SplunkHecConfig,
    StdoutConfig,
    SyslogConfig,
)
from sinks.options import Secret


class Redirected:
    """Standard output as a program has it: a descriptor of its own, not the one that pytest exchanges between phases."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Sink]:
        saved = os.dup(1)
        with self._path.open("ab") as file:
            os.dup2(file.fileno(), 1)
        try:
            async with StdoutConfig().open() as sink:
                yield sink
        finally:
            os.dup2(saved, 1)
            os.close(saved)


@dataclass
class Peer:
    """`config` reaches it, `unreachable` does not. `answer` sets status and headers of what speaks HTTP; `gate` holds answers
    back while it is cleared."""

    config: SinkConfig | Redirected
    received: Callable[[], list[bytes]]
    unreachable: SinkConfig | None = None
    answer: Callable[[int, dict[str, str]], None] | None = None
    gate: asyncio.Event | None = None


@asynccontextmanager
async def stdout(tmp_path: Path, _: Any) -> AsyncIterator[Peer]:
    path = tmp_path / "stdout"
    yield Peer(Redirected(path), lambda: path.read_bytes().splitlines())


@asynccontextmanager
async def file(tmp_path: Path, _: Any) -> AsyncIterator[Peer]:
    path = tmp_path / "folder" / "out.ndjson"
    yield Peer(FileConfig(path=str(path)), lambda: path.read_bytes().splitlines(), FileConfig(path="/dev/full"))


@asynccontextmanager
async def _serving(decode: Callable[[bytes], list[bytes]], make: Callable[[str], SinkConfig]) -> AsyncIterator[Peer]:
    received: list[bytes] = []
    told: list[tuple[int, dict[str, str]]] = [(200, {})]
    gate = asyncio.Event()
    gate.set()

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        await gate.wait()
        status, headers = told[-1]
        if status == 200:
            received.extend(decode(body))
        return web.Response(status=status, headers=headers, text="{}" if status == 200 else "", content_type="application/json")

    application = web.Application(client_max_size=1 << 30)
    application.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield Peer(
            make(address),
            lambda: received,
            make("http://127.0.0.1:9"),
            lambda status, headers: told.append((status, headers)),
            gate,
        )
    finally:
        gate.set()
        await runner.cleanup()


def http(_tmp_path: Path, _request: Any) -> AbstractAsyncContextManager[Peer]:
    return _serving(bytes.splitlines, lambda address: HttpConfig(url=f"{address}/ingest"))


def otlp(_tmp_path: Path, _request: Any) -> AbstractAsyncContextManager[Peer]:
    def decode(body: bytes) -> list[bytes]:
        logs = orjson.loads(body)["resourceLogs"]
        records = [record for resource in logs for scope in resource["scopeLogs"] for record in scope["logRecords"]]
        return [record["body"]["stringValue"].encode() for record in records]

    return _serving(decode, lambda address: OtlpConfig(endpoint=address, body="json", compression="none"))


def elasticsearch(_tmp_path: Path, _request: Any) -> AbstractAsyncContextManager[Peer]:
    def decode(body: bytes) -> list[bytes]:
        documents = [orjson.loads(line) for line in body.splitlines()[1::2]]
        return [orjson.dumps({name: value for name, value in each.items() if name != "@timestamp"}) for each in documents]

    return _serving(decode, lambda address: ElasticsearchConfig(url=address, compression="none"))


def splunk_hec(_tmp_path: Path, _request: Any) -> AbstractAsyncContextManager[Peer]:
    def decode(body: bytes) -> list[bytes]:
        return [orjson.dumps(orjson.loads(line)["event"]) for line in body.splitlines()]

    return _serving(decode, lambda address: SplunkHecConfig(url=address, token=Secret("t"), compression="none"))


def loki(_tmp_path: Path, _request: Any) -> AbstractAsyncContextManager[Peer]:
    def decode(body: bytes) -> list[bytes]:
        return [line.encode() for stream in orjson.loads(body)["streams"] for _, line in stream["values"]]

    return _serving(decode, lambda address: LokiConfig(url=address, compression="none"))


@asynccontextmanager
async def syslog(_tmp_path: Path, _request: Any) -> AsyncIterator[Peer]:
    received: list[bytes] = []

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while length := await reader.readuntil(b" "):
                message = await reader.readexactly(int(length))
                received.append(message.split(b" ", 7)[7])
        writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield Peer(SyslogConfig(host="127.0.0.1", port=port), lambda: received, SyslogConfig(host="127.0.0.1", port=9))


@asynccontextmanager
async def kafka(_: Path, request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    from aiokafka import AIOKafkaConsumer

    server = request.getfixturevalue("kafka")
    topic = f"contract-{os.urandom(4).hex()}"
    received: list[bytes] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=server.bootstrap(), auto_offset_reset="earliest", metadata_max_age_ms=500)
    await consumer.start()

    async def consume() -> None:
        async for message in consumer:
            received.append(message.value)  # noqa: PERF401 - as they come

    consuming = asyncio.create_task(consume())
    try:
        yield Peer(
            KafkaSinkConfig(bootstrap_servers=server.bootstrap(), topic=topic),
            lambda: received,
            KafkaSinkConfig(bootstrap_servers="127.0.0.1:9", topic=topic),
        )
    finally:
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)
        await consumer.stop()


@asynccontextmanager
async def postgres(_: Path, request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    dsn = request.getfixturevalue("postgres").database()
    received: list[bytes] = []

    async def look() -> None:
        import asyncpg

        connection = await asyncpg.connect(dsn)
        try:
            while True:
                with suppress(asyncpg.UndefinedTableError):
                    rows = await connection.fetch("select record::text from mcp_log order by ctid")
                    received[:] = [orjson.dumps(orjson.loads(row["record"])) for row in rows]
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    looking = asyncio.create_task(look())
    try:
        yield Peer(
            PostgresConfig(dsn=Secret(dsn)),
            lambda: received,
            PostgresConfig(dsn=Secret("postgresql://a:b@127.0.0.1:9/c")),
        )
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


PEERS: dict[str, Callable[[Path, Any], AbstractAsyncContextManager[Peer]]] = {
    "stdout": stdout,
    "file": file,
    "http": http,
    "otlp": otlp,
    "kafka": kafka,
    "syslog": syslog,
    "splunk_hec": splunk_hec,
    "elasticsearch": elasticsearch,
    "loki": loki,
    "postgres": postgres,
}
