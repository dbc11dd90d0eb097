"""OTLP over HTTP (opentelemetry-proto, `docs/specification.md`)."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from sanitizer.model import CleanBatch, Receipt, Rejection
from sinks.compression import compressed, content_encoding
from sinks.otlp.config import OtlpConfig, Told
from sinks.otlp.encode import Encoder
from sinks.otlp.json import export_request
from sinks.outcome import check_status
from sinks.session import Session, open_session

log = logging.getLogger(__name__)

SCOPE = "mcp-log-sanitizer"


class OtlpHttpSink:
    """Posts each batch as one export request."""

    def __init__(self, config: OtlpConfig, told: Told, session: Session) -> None:
        self._session = session
        self._encoder = Encoder(config.body)
        self._url = told.url()
        self._resource = told.resource()
        self._compression = told.compression()
        self._protobuf = told.protocol() == "http/protobuf"
        self._headers = told.headers()
        self._headers["Content-Type"] = "application/x-protobuf" if self._protobuf else "application/json"
        self._headers |= content_encoding(self._compression)

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the collector has answered."""
        body = export_request(self._resource, scope(batch), self._encoder.encode(batch))
        if self._protobuf:
            from sinks.otlp.protobuf import from_json  # noqa: PLC0415 - JSON needs none of it

            body = from_json(body).SerializeToString()
        body = await compressed(body, self._compression)
        answer = await self._session.request(self._url, body, self._headers)
        refused = check_status(answer.status, batch.records, answer.retry_after)
        return refused or partial_success(batch, self._rejected(answer.body))

    def _rejected(self, answer: bytes) -> int:
        """How many records an `ExportLogsServiceResponse` says were rejected."""
        if not answer:
            return 0
        try:
            if self._protobuf:
                from sinks.otlp.protobuf import rejected  # noqa: PLC0415

                return rejected(answer)
            said = orjson.loads(answer)
            return int(said.get("partialSuccess", {}).get("rejectedLogRecords", 0))
        except (ValueError, TypeError, AttributeError):
            return 0  # a success is a success, whatever its body


def scope(batch: CleanBatch) -> dict[str, Any]:
    """The instrumentation scope: this program, with the digest of the rules that *batch* was redacted by."""
    attributes = [{"key": "sanitizer.rules", "value": {"stringValue": batch.rules}}] if batch.rules else []
    return {"name": SCOPE, "attributes": attributes}


def partial_success(batch: CleanBatch, rejected: int) -> Receipt:
    """What a partial success means (OTLP 1.x, "Partial Success"): so many records were rejected, none may be sent again, and
    which they are is not said, unless it is all of them. The collector's own words may quote a record, and are not kept."""
    if rejected >= len(batch.records) > 0:
        return Receipt(rejected=[Rejection(index, "rejected by the collector") for index in range(len(batch.records))])
    if rejected > 0:
        log.warning("otlp: the collector rejected %d of %d records, and does not say which", rejected, len(batch.records))
    return Receipt(unnamed=max(0, rejected))


@asynccontextmanager
async def open_http(config: OtlpConfig, told: Told) -> AsyncGenerator[OtlpHttpSink]:
    """A session that keeps its connections open between batches."""
    async with open_session(config.concurrency, told.tls()) as session:
        yield OtlpHttpSink(config, told, session)
