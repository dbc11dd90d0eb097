"""Send records to any HTTP endpoint, as lines or as a JSON array, signed when the peer wants to know who wrote them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

from msgspec import field

from sanitizer.model import CleanBatch, Receipt
from sinks.compression import compress, content_encoding
from sinks.options import Compression, Options, Secret, SinkOptions, Tls, Url
from sinks.outcome import check_status
from sinks.session import Session, open_session

_TYPES = {"ndjson": "application/x-ndjson", "json_array": "application/json"}


class Signature(Options, frozen=True):
    """`header: sha256=HEX`, the HMAC-SHA-256 of the body as sent (RFC 2104), as most webhook receivers check it."""

    key: Secret
    header: str = "X-Signature-256"


class HttpSink:
    """Posts each batch as one request."""

    def __init__(self, config: HttpConfig, session: Session) -> None:
        self._config = config
        self._session = session

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the peer has answered with success, or has refused the records for good."""
        config = self._config
        body = compress(_encode(batch, config.body), config.compression)
        headers = {"Content-Type": _TYPES[config.body]} | content_encoding(config.compression)
        headers |= {name: value.reveal() for name, value in config.headers.items()}
        if config.signature:
            digest = hmac.new(config.signature.key.reveal().encode(), body, hashlib.sha256).hexdigest()
            headers[config.signature.header] = f"sha256={digest}"
        answer = await self._session.request(config.url, body, headers, config.method)
        return check_status(answer.status, batch.records, answer.retry_after) or Receipt()


def _encode(batch: CleanBatch, body: Literal["ndjson", "json_array"]) -> bytes:
    if body == "json_array":
        return b"[" + b",".join(batch.records) + b"]"
    return b"\n".join((*batch.records, b""))


class HttpConfig(SinkOptions, frozen=True, tag="http", kw_only=True):
    """A request for each batch to `url`. Redirects are not followed: they would carry the headers elsewhere."""

    url: Url
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, Secret] = field(default_factory=dict)
    body: Literal["ndjson", "json_array"] = "ndjson"
    compression: Compression = "none"
    signature: Signature | None = None
    tls: Tls | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[HttpSink]:
        """Connections are made when the first batch is sent."""
        async with open_session(self.concurrency, self.tls) as session:
            yield HttpSink(self, session)
