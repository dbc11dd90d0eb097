"""Syslog as SIEMs take it: RFC 5424 messages over TCP (RFC 6587) or TLS (RFC 5425).

UDP loses without a word, and is not offered.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Literal, get_args

from msgspec import Meta

from sanitizer.model import CleanBatch, Receipt, Retry
from sinks.event import event
from sinks.options import SinkOptions, Tls

Facility = Literal[
    "user", "daemon", "auth", "authpriv", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"
]  # fmt: skip
FACILITIES = dict(zip(get_args(Facility), (1, 3, 4, 10, *range(16, 24)), strict=True))
SEVERITIES = (6, *[7] * 8, *[6] * 4, *[4] * 4, *[3] * 4, *[2] * 4)
"""Of each severity number of OpenTelemetry (logs data model, appendix B), from none to FATAL4, the one of syslog."""
CLOSE_SECS = 2.0
"""How long a peer may take to take leave of TLS: without it, it may drop what it has not read."""


class SyslogSink:
    """Writes batches one after another to one connection, which is made anew after trouble."""

    def __init__(self, config: SyslogConfig) -> None:
        self._config = config
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        host = config.hostname or socket.gethostname() or "-"
        self._head = f" {host} {config.app_name} {os.getpid()} ".encode()
        self._facility = FACILITIES[config.facility] * 8

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the system has taken the messages for a peer that has not hung up: syslog knows no other answer."""
        messages = [self._message(record, batch.kind) for record in batch.records]
        counted = self._config.framing == "octet_counting"
        body = b"".join([b"%d %b" % (len(each), each) if counted else each + b"\n" for each in messages])
        async with self._turn:
            try:
                reader, writer = self._streams or await self._connect()
                writer.write(body)
                await writer.drain()
                gone = reader.at_eof()
            except OSError as trouble:
                await self.close()
                raise Retry(type(trouble).__name__) from None
            except asyncio.CancelledError:
                self._abandon()  # half a message may be out: nothing can follow it
                raise
            if gone:
                await self.close()
                raise Retry("the peer hung up")
        return Receipt()

    def _message(self, record: bytes, kind: str) -> bytes:
        said = event(record)
        priority = self._facility + (5 if kind == "audit" else SEVERITIES[said.severity])
        if self._config.framing == "newline":
            record = record.replace(b"\n", b" ")
        return b"<%d>1 %b%b%b - %b" % (priority, said.timestamp, self._head, kind.encode(), record)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        config = self._config
        context = config.tls.context() if config.tls else None
        leave_secs = CLOSE_SECS if context else None
        reader, writer = await asyncio.open_connection(config.host, config.port, ssl=context, ssl_shutdown_timeout=leave_secs)
        writer.transport.set_write_buffer_limits(high=0)  # what is drained is the system's
        self._streams = reader, writer
        return self._streams

    def _abandon(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
        self._streams = None

    async def close(self) -> None:
        """Take leave of the peer, if there is one."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()
            with suppress(OSError, TimeoutError):
                await streams[1].wait_closed()


class SyslogConfig(SinkOptions, frozen=True, tag="syslog", kw_only=True):
    """RFC 5424 messages to `host` and `port` over TCP, or over TLS where `tls` is given (an empty one does); MSG is the record.

    Syslog has no answer: what the system took for a peer that dies before it reads is lost, and no sender can know it. Where that
    matters, take a sink that answers. `framing` is `newline` for peers that do not count octets.
    """

    host: Annotated[str, Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 6514
    tls: Tls | None = None
    framing: Literal["octet_counting", "newline"] = "octet_counting"
    facility: Facility = "user"
    app_name: Annotated[str, Meta(pattern=r"^[!-~]{1,48}$")] = "mcp"
    hostname: Annotated[str, Meta(pattern=r"^[!-~]{1,255}$")] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[SyslogSink]:
        """The connection is made when the first batch is sent."""
        sink = SyslogSink(self)
        try:
            yield sink
        finally:
            await sink.close()
