"""Splunk's HTTP Event Collector, with the indexers' acknowledgement where it is turned on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

import orjson

from sanitizer.model import CleanBatch, Receipt, Rejection, Retry
from sinks.compression import compressed, content_encoding
from sinks.event import event
from sinks.options import Secret, SinkOptions, Tls, Url
from sinks.outcome import check_status
from sinks.session import Answer, Session, open_session

EVENT_AT_FAULT = frozenset({6, 12, 13, 15})
"""Codes of an answer that mean one event: its format, no event, a blank one, its fields. Others are the operator's to mend."""
ASK_AGAIN_SECS = 0.5


class SplunkHecSink:
    """Sends each batch as one request of concatenated events."""

    def __init__(self, config: SplunkHecConfig, session: Session) -> None:
        self._session = session
        self._collector = f"{config.url.rstrip('/')}/services/collector"
        self._compression = config.compression
        self._acknowledge = config.acknowledge
        self._channel = str(uuid.uuid4())
        told = {"host": config.host, "source": config.source, "sourcetype": config.sourcetype, "index": config.index}
        self._told = orjson.dumps({name: value for name, value in told.items() if value})[1:-1]
        self._headers = {"Authorization": f"Splunk {config.token.reveal()}", "Content-Type": "application/json"}
        self._headers["X-Splunk-Request-Channel"] = self._channel

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the collector has the events, or, where it acknowledges, once the indexers do."""
        body = b"\n".join([self._event(record, batch.record_id(index)) for index, record in enumerate(batch.records)])
        body = await compressed(body, self._compression)
        headers = self._headers | content_encoding(self._compression)
        answer = await self._session.request(f"{self._collector}/event", body, headers)
        said = _said(answer)
        if answer.status == 400 and (code := said.get("code")) is not None:
            return _at_fault(said, int(code), len(batch.records))
        refused = check_status(answer.status, batch.records, answer.retry_after)
        if refused is None and self._acknowledge:
            await self._acknowledged(said.get("ackId"))
        return refused or Receipt()

    def _event(self, record: bytes, record_id: str) -> bytes:
        said = event(record)
        seconds, nanos = divmod(said.unix_nanos, 1_000_000_000)
        fields = orjson.dumps({"record_id": record_id})
        return b'{"time":%d.%06d,%b,"fields":%b,"event":%b}' % (seconds, nanos // 1000, self._told, fields, said.json)

    async def _acknowledged(self, ack: object) -> None:
        """Ask until the indexers have what *ack* stands for; delivery bounds how long."""
        if not isinstance(ack, int):
            raise Retry("no ackId: indexer acknowledgement is off for this token")
        body = orjson.dumps({"acks": [ack]})
        while True:
            answer = await self._session.request(f"{self._collector}/ack?channel={self._channel}", body, self._headers)
            if answer.status != 200:
                raise Retry(f"status {answer.status} to the question for an acknowledgement")
            acks = _said(answer).get("acks")
            if isinstance(acks, dict) and acks.get(str(ack)) is True:
                return
            await asyncio.sleep(ASK_AGAIN_SECS)


def _said(answer: Answer) -> dict[str, Any]:
    try:
        said = orjson.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _at_fault(said: dict[str, Any], code: int, count: int) -> Receipt:
    """The receipt for a batch of which one event was refused: whether those before it were taken is not said, so all others are
    sent again. Raises `Retry` if it is the token, the index or the channel that is wrong."""
    number = said.get("invalid-event-number")
    if code not in EVENT_AT_FAULT or not isinstance(number, int) or not 0 <= number < count:
        raise Retry(f"status 400 code {code}")
    return Receipt([Rejection(number, f"code {code}")], [index for index in range(count) if index != number])


class SplunkHecConfig(SinkOptions, frozen=True, tag="splunk_hec", kw_only=True):
    """Events for Splunk's HTTP Event Collector at `url` (scheme, host and port).

    With `acknowledge` a batch is delivered once the indexers have it; the token must have that turned on. `index`, `source`,
    `sourcetype` and `host` are what Splunk files events under; what is not given is the token's own. A record's id is the indexed
    field `record_id`.
    """

    url: Url
    token: Secret
    index: str | None = None
    source: str | None = None
    sourcetype: str = "mcp:log"
    host: str | None = None
    acknowledge: bool = False
    compression: Literal["none", "gzip"] = "gzip"
    tls: Tls | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[SplunkHecSink]:
        """Connections are made when the first batch is sent."""
        async with open_session(self.concurrency, self.tls) as session:
            yield SplunkHecSink(self, session)
