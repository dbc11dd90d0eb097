"""Grafana Loki, and what takes its push API (VictoriaLogs, for one): lines with their time, in one stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import orjson
from msgspec import Meta, field

from sanitizer.model import CleanBatch, Receipt
from sinks.compression import compressed, content_encoding
from sinks.event import event
from sinks.options import Login, Secret, SinkOptions, Tls, Url
from sinks.outcome import check_status
from sinks.session import Session, open_session


class LokiSink:
    """Pushes each batch as entries of one stream."""

    def __init__(self, config: LokiConfig, session: Session) -> None:
        self._session = session
        self._url = f"{config.url.rstrip('/')}{config.path}"
        self._compression = config.compression
        self._stream = orjson.dumps(config.labels)
        self._headers = {"Content-Type": "application/json"} | content_encoding(config.compression)
        self._headers |= {name: value.reveal() for name, value in config.headers.items()}
        if config.tenant:
            self._headers["X-Scope-OrgID"] = config.tenant
        if config.login:
            self._headers["Authorization"] = config.login.authorization()

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the entries are taken. Of entries that are too old Loki says not which they are: all are rejected then."""
        body = b'{"streams":[{"stream":%b,"values":[%b]}]}' % (self._stream, b",".join(map(_entry, batch.records)))
        body = await compressed(body, self._compression)
        answer = await self._session.request(self._url, body, self._headers)
        return check_status(answer.status, batch.records, answer.retry_after) or Receipt()


def _entry(record: bytes) -> bytes:
    return b'["%d",%b]' % (event(record).unix_nanos, orjson.dumps(record.decode(errors="replace")))


Label = Annotated[str, Meta(pattern=r"^[a-zA-Z_]\w*$", description="letters, digits and _")]


class LokiConfig(SinkOptions, frozen=True, tag="loki", kw_only=True):
    """Entries for the push API of Loki at `url`, in a stream of `labels` (few, and the same for all: a stream is an index).

    An entry's time is its record's, or that of sending. `tenant` is the organisation of a Loki of many.
    """

    url: Url
    path: Annotated[str, Meta(pattern=r"^/\S*$")] = "/loki/api/v1/push"
    labels: Annotated[dict[Label, str], Meta(min_length=1)] = field(
        default_factory=lambda: {"job": "mcp"}
    )
    tenant: str | None = None
    login: Login | None = None
    headers: dict[str, Secret] = field(default_factory=dict)
    compression: Literal["none", "gzip"] = "gzip"
    tls: Tls | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[LokiSink]:
        """Connections are made when the first batch is sent."""
        async with open_session(self.concurrency, self.tls) as session:
            yield LokiSink(self, session)
