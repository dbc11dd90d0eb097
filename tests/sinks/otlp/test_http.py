"""What a collector may answer, and what is told where; against small servers that answer as told."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import msgspec
import orjson
import pytest
from aiohttp import web
from answers import answering
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from sanitizer.model import Clean, CleanBatch, Receipt, Retry, TooLarge
from sinks.options import Secret
from sinks.otlp.config import OtlpConfig, Told

BATCH = CleanBatch("stdin", [Clean(b'{"message":"one"}'), Clean(b'{"message":"two"}')], [0, 18], 36)
async def send(answer: web.Response, **options: Any) -> Receipt:
    async with answering(lambda _: answer) as (address, _), OtlpConfig(endpoint=address, **options).open() as sink:
        return await sink.send(BATCH)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 401, 403, 404])
async def test_what_may_pass_is_retried(status: int) -> None:
    with pytest.raises(Retry, match=str(status)):
        await send(web.Response(status=status))


async def test_the_collector_may_say_when_to_come_back() -> None:
    with pytest.raises(Retry) as trouble:
        await send(web.Response(status=503, headers={"Retry-After": "7"}))
    assert trouble.value.after_secs == 7


async def test_what_is_too_large_is_to_be_split() -> None:
    with pytest.raises(TooLarge):
        await send(web.Response(status=413))


async def test_a_bad_request_is_never_sent_again() -> None:
    assert [each.index for each in (await send(web.Response(status=400))).rejected] == [0, 1]


async def test_a_collector_that_rejects_every_record_is_believed() -> None:
    partial = orjson.dumps({"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "no"}})
    assert [each.index for each in (await send(web.Response(body=partial, content_type="application/json"))).rejected] == [0, 1]


async def test_a_partial_success_that_does_not_say_which_is_said_aloud_and_not_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    partial = ExportLogsServiceResponse()
    partial.partial_success.rejected_log_records = 1
    partial.partial_success.error_message = "one"
    with caplog.at_level(logging.WARNING):
        receipt = await send(web.Response(body=partial.SerializeToString()), protocol="http/protobuf")
    assert (receipt.rejected, receipt.pending, receipt.unnamed) == ((), (), 1)
    assert "rejected 1 of 2 records" in caplog.text


async def test_a_success_with_an_odd_body_is_a_success() -> None:
    for body in (b"", b"ok", b"[]", b'{"partialSuccess":null}'):
        assert await send(web.Response(body=body)) == Receipt()


async def test_a_refused_connection_is_retried(unused_tcp_port: int) -> None:
    for protocol in ("http/json", "grpc"):
        async with OtlpConfig(endpoint=f"http://127.0.0.1:{unused_tcp_port}", protocol=protocol).open() as sink:
            with pytest.raises((Retry, OSError)):
                await sink.send(BATCH)


async def test_a_request_is_gzip_json_with_the_headers_told() -> None:
    token = {"X-Token": Secret("t0p")}
    async with (
        answering(lambda _: web.Response()) as (address, asked),
        OtlpConfig(endpoint=address, headers=token).open() as sink,
    ):
        await sink.send(BATCH)
    ((request, body),) = asked
    assert (request.path, request.headers["X-Token"], request.headers["Content-Type"]) == ("/v1/logs", "t0p", "application/json")
    assert request.headers["Content-Encoding"] == "gzip"
    (resource_logs,) = orjson.loads(body)["resourceLogs"]  # the server has decompressed it
    assert [record["body"]["stringValue"] for record in resource_logs["scopeLogs"][0]["logRecords"]] == ["one", "two"]


# gRPC


@asynccontextmanager
async def answering_calls(code: grpc.StatusCode, details: str = "", metadata: Any = ()) -> AsyncIterator[str]:
    """A collector that fails each call as told."""

    async def export(_: ExportLogsServiceRequest, context: grpc.aio.ServicerContext) -> ExportLogsServiceResponse:
        context.set_trailing_metadata(metadata)
        await context.abort(code, details)
        raise AssertionError

    method = grpc.unary_unary_rpc_method_handler(
        export,
        request_deserializer=ExportLogsServiceRequest.FromString,
        response_serializer=ExportLogsServiceResponse.SerializeToString,
    )
    service = "opentelemetry.proto.collector.logs.v1.LogsService"
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def call(*answer: Any) -> Receipt:
    async with answering_calls(*answer) as address, OtlpConfig(endpoint=address, protocol="grpc").open() as sink:
        return await sink.send(BATCH)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "UNAUTHENTICATED"])
async def test_a_call_that_may_pass_is_retried(code: str) -> None:
    with pytest.raises(Retry, match=code):
        await call(grpc.StatusCode[code], "busy")


async def test_a_call_may_say_when_to_come_back() -> None:
    info = RetryInfo()
    info.retry_delay.FromMilliseconds(2500)
    packed = AnyMessage()
    packed.Pack(info)
    status = Status(code=14, details=[packed]).SerializeToString()
    with pytest.raises(Retry) as trouble:
        await call(grpc.StatusCode.UNAVAILABLE, "busy", (("grpc-status-details-bin", status),))
    assert trouble.value.after_secs == 2.5


async def test_a_call_may_be_too_large_or_wrong_for_good() -> None:
    with pytest.raises(TooLarge):
        await call(grpc.StatusCode.RESOURCE_EXHAUSTED, "grpc: received message larger than max (9 vs. 4)")
    assert [each.index for each in (await call(grpc.StatusCode.INVALID_ARGUMENT, "no")).rejected] == [0, 1]


# What is told where


def test_the_variables_for_logs_go_before_the_general_ones_and_the_configuration_before_both() -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://general:4318/",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=x%20y",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "c=3",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=env,host.name=h",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
    }
    told = Told(OtlpConfig(resource={"service.name": "mine"}, headers={"c": Secret("4")}), environment)
    assert told.url() == "http://general:4318/v1/logs"
    assert told.headers() == {"c": "4"}
    assert (told.compression(), told.protocol()) == ("none", "http/protobuf")
    assert told.resource() == {"service.name": "mine", "host.name": "h"}
    assert (tls := told.tls()) is not None
    assert tls.ca_file == "/ca.pem"
    assert Told(OtlpConfig(), environment | {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs/x"}).url() == "http://logs/x"
    assert Told(OtlpConfig(), environment | {"OTEL_SERVICE_NAME": "svc"}).resource()["service.name"] == "svc"
    assert Told(OtlpConfig(endpoint="http://c/v1/logs"), environment).url() == "http://c/v1/logs"
    assert Told(OtlpConfig(), {}).url() == "http://localhost:4318/v1/logs"


def test_an_unknown_protocol_in_the_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="OTEL_EXPORTER_OTLP_PROTOCOL must be"):
        Told(OtlpConfig(), {"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon"}).protocol()


def test_grpc_with_zstd_is_refused_with_the_mend() -> None:
    with pytest.raises(msgspec.ValidationError, match="use gzip"):
        msgspec.convert({"type": "otlp", "protocol": "grpc", "compression": "zstd"}, OtlpConfig)
