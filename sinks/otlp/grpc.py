"""OTLP over gRPC (opentelemetry-proto, `docs/specification.md`); needs the extra `grpc`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from sanitizer.model import CleanBatch, Receipt, Rejection, Retry, TooLarge
from sinks.options import Tls
from sinks.otlp.config import OtlpConfig, Told
from sinks.otlp.encode import Encoder
from sinks.otlp.http import partial_success, scope
from sinks.otlp.json import export_request
from sinks.otlp.protobuf import from_json

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
PERMANENT = frozenset((grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION))
"""The collector read the request and will never take it; a wrong token or address is the operator's to mend."""


class OtlpGrpcSink:
    """Exports each batch by one call."""

    def __init__(self, config: OtlpConfig, told: Told, channel: grpc.aio.Channel) -> None:
        self._encoder = Encoder(config.body)
        self._resource = told.resource()
        self._metadata = [(name.lower(), value) for name, value in told.headers().items()]
        self._timeout_secs = config.timeout_secs
        self._export = channel.unary_unary(
            EXPORT,
            request_serializer=ExportLogsServiceRequest.SerializeToString,
            response_deserializer=ExportLogsServiceResponse.FromString,
        )

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the collector has answered."""
        request = from_json(export_request(self._resource, scope(batch), self._encoder.encode(batch)))
        try:
            answer = await self._export(request, metadata=self._metadata, timeout=self._timeout_secs)
        except grpc.aio.AioRpcError as failure:
            return _outcome(failure, batch)
        return partial_success(batch, answer.partial_success.rejected_log_records)


def _outcome(failure: grpc.aio.AioRpcError, batch: CleanBatch) -> Receipt:
    code = failure.code()
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in (failure.details() or ""):
        raise TooLarge from None
    if code in PERMANENT:
        return Receipt(rejected=[Rejection(index, f"grpc {code.name}") for index in range(len(batch.records))])
    raise Retry(f"grpc {code.name}", _retry_delay(failure)) from None


def _retry_delay(failure: grpc.aio.AioRpcError) -> float | None:
    """Seconds to wait, where the status carries a `google.rpc.RetryInfo`."""
    for name, value in failure.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            try:
                for detail in Status.FromString(value).details:
                    info = RetryInfo()
                    if detail.Unpack(info):
                        return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
            except DecodeError:
                return None
    return None


def _credentials(tls: Tls | None) -> grpc.ChannelCredentials:
    """The files of *tls*; raises `OSError` when one cannot be read, `ValueError` for what gRPC cannot do."""
    if tls is None:
        return grpc.ssl_channel_credentials()
    if not tls.verify or tls.key_password:
        raise ValueError("over gRPC, `tls.verify = false` and `tls.key_password` are not possible")
    ca, key, certificate = (Path(name).read_bytes() if name else None for name in (tls.ca_file, tls.key_file, tls.cert_file))
    return grpc.ssl_channel_credentials(ca, key, certificate)


@asynccontextmanager
async def open_grpc(config: OtlpConfig, told: Told) -> AsyncGenerator[OtlpGrpcSink]:
    """A channel that reconnects by itself."""
    target, insecure = told.target()
    compression = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}[told.compression()]
    if insecure:
        channel = grpc.aio.insecure_channel(target, compression=compression)
    else:
        channel = grpc.aio.secure_channel(target, _credentials(told.tls()), compression=compression)
    async with channel:
        yield OtlpGrpcSink(config, told, channel)
