"""Messages of RFC 5424, and a peer that hangs up."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fakes import batch, until

from sanitizer.model import Retry
from sinks.options import Tls
from sinks.syslog import SyslogConfig


@asynccontextmanager
async def listening(context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, bytearray, list[asyncio.StreamWriter]]]:
    """A peer that reads: its port, what it has read, and who is connected."""
    heard, writers = bytearray(), list[asyncio.StreamWriter]()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError):
            while piece := await reader.read(1 << 16):
                heard.extend(piece)
        writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], heard, writers


async def heard_of(*records: bytes, kind: str = "logs", **options: Any) -> bytes:
    async with listening() as (port, heard, _):
        async with SyslogConfig(host="127.0.0.1", port=port, hostname="host", **options).open() as sink:
            await sink.send(batch(*records, kind=kind))
        await until(lambda: heard.endswith((records[-1], b"\n")), 5)
    return bytes(heard)


async def test_a_record_is_the_message_with_its_time_and_severity() -> None:
    record = b'{"timestamp":"2026-01-02T03:04:05.006Z","level":"error","message":"x"}'
    length, _, message = (await heard_of(record, app_name="crm", facility="local0")).partition(b" ")
    head, at, host, app, pid, kind, nothing, text = message.split(b" ", 7)

    assert int(length) == len(message)
    assert (head, at, host, app, kind, nothing, text) == (
        *(b"<131>1", b"2026-01-02T03:04:05.006000Z", b"host", b"crm", b"logs", b"-"),
        record,
    )
    assert pid.isdigit()


@pytest.mark.parametrize(
    ("level", "severity"),
    [("trace", 7), ("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("fatal", 2), ("", 6)],
)
async def test_levels_become_severities(level: str, severity: int) -> None:
    assert f" <{8 + severity}>1 ".encode() in b" " + (await heard_of(b'{"level":"%b"}' % level.encode())).partition(b" ")[2]


async def test_audit_events_are_notices() -> None:
    assert b"<13>1 " in await heard_of(b'{"event":"call"}', kind="audit")


async def test_a_peer_that_does_not_count_octets_is_given_lines() -> None:
    assert [line.rpartition(b" - ")[2] for line in (await heard_of(b"one", b"two\nmore", framing="newline")).splitlines()] == [
        b"one",
        b"two more",
    ]


async def test_a_peer_that_hung_up_is_called_again() -> None:
    async with listening() as (port, heard, writers), SyslogConfig(host="127.0.0.1", port=port).open() as sink:
        await sink.send(batch(b"first"))
        await until(lambda: b"first" in heard, 5)
        writers[0].close()
        await writers[0].wait_closed()
        await asyncio.sleep(0.05)
        with pytest.raises(Retry):
            await sink.send(batch(b"second"))
        await sink.send(batch(b"second"))
        await until(lambda: b"second" in heard, 5)


async def test_over_tls_the_last_message_is_read_before_leave_is_taken(certificates: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    async with listening(context) as (port, heard, _):
        async with SyslogConfig(host="localhost", port=port, tls=Tls(ca_file=str(certificates / "ca.pem"))).open() as sink:
            await sink.send(batch(b"over tls"))
        await until(lambda: heard.endswith(b"over tls"), 5)
    assert b"over tls" in heard
