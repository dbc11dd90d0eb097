"""The OTLP sink against a real OpenTelemetry Collector: what arrives is read from its file exporter."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from sanitizer.model import Clean, CleanBatch
from servers.otelcol import Collector
from sinks.options import Tls
from sinks.otlp.config import OtlpConfig

RECORD = (
    b'{"timestamp":"2026-01-02T03:04:05.006Z","level":"warning","logger":"mcp",'
    b'"message":"caf\xc3\xa9","n":7,"ok":true,"h":{"s":1.5}}'
)
lanes = (f"lane-{number}" for number in itertools.count())


async def exported(collector: Collector, lane: str, count: int) -> list[dict[str, Any]]:
    """The records of *lane* that the collector has written, once there are *count*."""
    async with asyncio.timeout(20):
        while True:
            found = [record for record in collector.records() if values(record)["log.record.uid"].startswith(f"{lane}:")]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


def values(record: dict[str, Any]) -> dict[str, Any]:
    """A record's attributes, each by its only value."""
    return {each["key"]: next(iter(each["value"].values()), None) for each in record["attributes"]}


def endpoint(collector: Collector, protocol: str, scheme: str = "http") -> str:
    return f"{scheme}://localhost:{collector.grpc_port if protocol == 'grpc' else collector.http_port}"


WAYS = [
    *itertools.product(["http/json", "http/protobuf"], ["none", "gzip", "zstd"]),
    ("grpc", "none"),
    ("grpc", "gzip"),
]


@pytest.mark.parametrize(("protocol", "compression"), WAYS)
async def test_a_record_means_the_same_whatever_way_it_took(collector: Collector, protocol: str, compression: str) -> None:
    lane = next(lanes)
    config = OtlpConfig(
        endpoint=endpoint(collector, protocol), protocol=protocol, compression=compression, resource={"service.name": "files"}
    )
    async with config.open() as sink:
        receipt = await sink.send(CleanBatch(lane, [Clean(RECORD), Clean(b"plain text")], [0, 120], 200, rules="abc"))
    assert not receipt.rejected
    first, second = await exported(collector, lane, 2)
    assert first["resource"] == {"service.name": {"stringValue": "files"}}
    assert first["timeUnixNano"] == "1767323045006000000"
    assert (first["severityNumber"], first["severityText"]) == (13, "warning")
    assert first["body"] == {"stringValue": "café"}
    assert values(first) == {"log.record.uid": f"{lane}:0", "logger": "mcp", "n": "7", "ok": True, "h.s": 1.5}
    assert second["body"] == {"stringValue": "plain text"}
    assert values(second) == {"log.record.uid": f"{lane}:120"}


async def test_trace_context_arrives_as_such(collector: Collector) -> None:
    lane = next(lanes)
    record = b'{"message":"m","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"}'
    for protocol in ("http/json", "http/protobuf"):
        async with OtlpConfig(endpoint=endpoint(collector, protocol), protocol=protocol).open() as sink:
            await sink.send(CleanBatch(lane, [Clean(record)], [0], 1))
    for found in await exported(collector, lane, 2):
        assert (found["traceId"], found["spanId"]) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
        assert set(values(found)) == {"log.record.uid"}


@pytest.mark.parametrize("protocol", ["http/json", "grpc"])
async def test_a_collector_that_asks_for_a_certificate_gets_one(
    tls_collector: Collector, certificates: Path, protocol: str
) -> None:
    lane = next(lanes)
    names = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}
    tls = Tls(**{key: str(certificates / name) for key, name in names.items()})
    config = OtlpConfig(endpoint=endpoint(tls_collector, protocol, "https"), protocol=protocol, tls=tls)
    async with config.open() as sink:
        await sink.send(CleanBatch(lane, [Clean(RECORD)], [0], 1))
    assert len(await exported(tls_collector, lane, 1)) == 1


async def test_thousands_of_records_arrive_in_order(collector: Collector) -> None:
    lane = next(lanes)
    records = [Clean(b'{"timestamp":"2026-01-02T03:04:05Z","level":"info","message":"%d"}' % n) for n in range(5000)]
    async with OtlpConfig(endpoint=endpoint(collector, "http/json")).open() as sink:
        await sink.send(CleanBatch(lane, records, range(5000), 5000))
    found = await exported(collector, lane, 5000)
    assert [record["body"]["stringValue"] for record in found] == [str(n) for n in range(5000)]
