"""Metrics say what happened; the admin page shows them, and nothing that could drive a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from fakes import batch
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from sanitizer.model import Batch, Message, Raw
from sanitizer.service.admin import serve
from sanitizer.service.settings import Admin, Telemetry
from sanitizer.service.telemetry import Export, Metrics


def counted() -> Metrics:
    metrics = Metrics()
    metrics.read(Batch("a", Raw(b"12345"), 0, 5))
    metrics.read(Batch("k", Raw(b""), 0, 2, [Message(0, Raw(b"123")), Message(1, None)]))
    metrics.cleaned(batch(b"1", b"2", read=3, findings={"email": 2}, withheld={"timeout": 1}))
    metrics.cleaned(batch(b"{}", kind="audit"))
    metrics.add("delivered", "siem", 2)
    metrics.settled(0.03)
    metrics.settled(400.0)
    metrics.gauge("lag", lambda: {"topic/0": 7})
    return metrics


def test_everything_is_counted_under_its_name() -> None:
    text = counted().text()
    for line in (
        "sanitizer_read_bytes_total 8",
        "sanitizer_read_records_total 3",
        "sanitizer_clean_records_total 2",
        'sanitizer_findings_total{rule="email"} 2',
        'sanitizer_withheld_total{reason="timeout"} 1',
        'sanitizer_delivered_total{sink="siem"} 2',
        "sanitizer_audit_events_total 1",
        'sanitizer_lag{lane="topic/0"} 7',
        'sanitizer_batch_latency_seconds_bucket{le="0.05"} 1',
        'sanitizer_batch_latency_seconds_bucket{le="+Inf"} 2',
        "sanitizer_batch_latency_seconds_count 2",
    ):
        assert line in text.splitlines()


def test_the_text_is_what_prometheus_reads() -> None:
    metrics = counted()
    metrics.add("delivered", 'a"b\\c\nd', 1)
    sample = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"\})? [0-9.e+-]+|# TYPE [a-z_]+ (counter|gauge|histogram)')
    assert all(sample.fullmatch(line) for line in metrics.text().splitlines())


def test_labels_are_never_input() -> None:
    metrics = Metrics()
    metrics.read(Batch("planted-lane", Raw(b"planted-text"), 0, 5, attributes={"path": "planted-path"}))
    metrics.cleaned(batch(b"planted-record", lane="planted-lane"))
    assert "planted" not in metrics.text()


@asynccontextmanager
async def page(metrics: Metrics, *, ready: bool = True) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    status = {"rules": "abc", "sink <script>": "up"}
    async with serve(Admin(port=0), metrics, lambda: ready, lambda: status) as port, aiohttp.ClientSession() as session:
        yield session, f"http://127.0.0.1:{port}"


async def test_health_and_readiness_are_told_apart() -> None:
    async with page(Metrics(), ready=False) as (session, address):
        assert (await session.get(f"{address}/healthz")).status == 200
        assert (await session.get(f"{address}/readyz")).status == 503
    async with page(Metrics()) as (session, address):
        assert (await session.get(f"{address}/readyz")).status == 200


async def test_metrics_and_status_are_shown_and_names_are_escaped() -> None:
    async with page(counted()) as (session, address):
        assert await (await session.get(f"{address}/metrics")).text() != ""
        shown = await session.get(address)
        text = await shown.text()
    assert "sink &lt;script&gt;" in text
    assert "<script>" not in text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


async def test_metrics_are_sent_by_otlp() -> None:
    import asyncio

    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        assert request.headers["X-Key"] == "s3cret"
        return web.Response()

    from sinks.options import Secret

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/v1/metrics", take)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    options = Telemetry(endpoint=f"http://127.0.0.1:{runner.addresses[0][1]}", headers={"X-Key": Secret("s3cret")})
    export = await asyncio.to_thread(Export, counted(), options)
    await asyncio.to_thread(export.close)
    await runner.cleanup()
    sent = ExportMetricsServiceRequest.FromString(bodies[0])
    names = {metric.name: metric for scope in sent.resource_metrics[0].scope_metrics for metric in scope.metrics}
    (point,) = names["sanitizer.findings"].sum.data_points
    assert (point.as_int, point.attributes[0].key, point.attributes[0].value.string_value) == (2, "rule", "email")
