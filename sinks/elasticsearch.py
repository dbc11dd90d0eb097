"""Elasticsearch and OpenSearch: documents through the bulk API, under ids, so that what is sent again is not stored again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta, field

from sanitizer.model import CleanBatch, Receipt, Rejection, Retry
from sinks.compression import compressed, content_encoding
from sinks.event import event
from sinks.options import Login, Secret, SinkOptions, Tls, Url
from sinks.outcome import PERMANENT_FOR_THE_BATCH, check_status
from sinks.session import Session, open_session

ALREADY_THERE = 409
_SAID = "errors,items.*.status,items.*.error.type"
_ERROR_TYPE = re.compile(r"[a-z_]{1,64}").fullmatch


class ElasticsearchSink:
    """Sends each batch as one bulk request."""

    def __init__(self, config: ElasticsearchConfig, session: Session) -> None:
        self._session = session
        self._compression = config.compression
        self._url = f"{config.url.rstrip('/')}/_bulk?filter_path={_SAID}"
        if config.pipeline:
            self._url += f"&pipeline={config.pipeline}"
        self._action = b'{"create":{"_index":%b,"_id":"' % orjson.dumps(config.index)
        self._headers = {"Content-Type": "application/x-ndjson"} | content_encoding(config.compression)
        self._headers |= {name: value.reveal() for name, value in config.headers.items()}
        if config.api_key:
            self._headers["Authorization"] = f"ApiKey {config.api_key.reveal()}"
        elif config.login:
            self._headers["Authorization"] = config.login.authorization()

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the store has answered for each document: stored, there already, refused for good, or not yet."""
        body = b"".join([self._lines(record, batch.record_id(index)) for index, record in enumerate(batch.records)])
        body = await compressed(body, self._compression)
        answer = await self._session.request(self._url, body, self._headers)
        return check_status(answer.status, batch.records, answer.retry_after) or _receipt(answer.body, len(batch.records))

    def _lines(self, record: bytes, record_id: str) -> bytes:
        said = event(record)
        document = record if said.fields else b'{"message":%b}' % said.json
        if "@timestamp" not in said.fields:
            document = b'{"@timestamp":"%b",%b' % (said.timestamp, document[1:])
        return b'%b%b"}}\n%b\n' % (self._action, _document_id(record_id), document)


def _document_id(record_id: str) -> bytes:
    """The id of a record, hashed: stores bound the length of ids, and a lane may be a path."""
    return hashlib.blake2b(record_id.encode(), digest_size=15).hexdigest().encode()


def _receipt(body: bytes, count: int) -> Receipt:
    """What the items of a bulk's answer say. Reasons may quote a document: of an error its type alone is kept."""
    try:
        said = orjson.loads(body)
        if not said.get("errors"):
            return Receipt()
        items = [next(iter(item.values())) for item in said["items"]]
        statuses = [int(item["status"]) for item in items]
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration):
        raise Retry("an answer that is none of the bulk API") from None
    if len(statuses) != count:
        raise Retry("an answer for another number of documents")
    rejected = [Rejection(n, _reason(items[n])) for n, status in enumerate(statuses) if status in PERMANENT_FOR_THE_BATCH]
    stored = {*range(200, 300), ALREADY_THERE}
    pending = [n for n, status in enumerate(statuses) if status not in stored and status not in PERMANENT_FOR_THE_BATCH]
    return Receipt(rejected=rejected, pending=pending)


def _reason(item: dict[str, Any]) -> str:
    error = item.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    return f"status {item['status']}" + (f" {kind}" if isinstance(kind, str) and _ERROR_TYPE(kind) else "")


class ElasticsearchConfig(SinkOptions, frozen=True, tag="elasticsearch", kw_only=True):
    """Documents through `_bulk` into `index` (a data stream, an alias, an index) of Elasticsearch or OpenSearch.

    A document's id is made of its record's: what is sent again is there already. A record without `@timestamp` gets one: its own
    time, or that of sending. `api_key` or `login` say who writes; `pipeline` names an ingest pipeline.
    """

    url: Url
    index: Annotated[str, Meta(pattern=r"^[^A-Z\s\\/*?\"<>|,#]+$", description="an index in lower case")] = "logs-mcp-sanitized"
    api_key: Secret | None = None
    login: Login | None = None
    headers: dict[str, Secret] = field(default_factory=dict)
    pipeline: Annotated[str, Meta(pattern=r"^[\w.\-]+$")] | None = None
    compression: Literal["none", "gzip"] = "gzip"
    tls: Tls | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[ElasticsearchSink]:
        """Connections are made when the first batch is sent."""
        async with open_session(self.concurrency, self.tls) as session:
            yield ElasticsearchSink(self, session)
