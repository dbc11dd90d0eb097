"""Send records as OpenTelemetry logs over OTLP: HTTP with JSON or protobuf, or gRPC.

What the configuration leaves out is taken from the standard variables `OTEL_EXPORTER_OTLP_LOGS_*` and `OTEL_EXPORTER_OTLP_*`
(OpenTelemetry specification, "OpenTelemetry Protocol Exporter"), `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from msgspec import field

from sinks.options import Compression, Secret, SinkOptions, Tls, Url

if TYPE_CHECKING:
    from sanitizer.model import Sink

Protocol = Literal["http/json", "http/protobuf", "grpc"]

PATH = "/v1/logs"
DEFAULT_RESOURCE = {"service.name": "mcp-server"}


class OtlpConfig(SinkOptions, frozen=True, tag="otlp", kw_only=True):
    """`endpoint` is the collector's address, to which `/v1/logs` is added over HTTP.

    `body`: `message` makes the message the body and all else attributes; `json` makes the whole record the body, as text.
    `resource` says whose logs these are (`service.name` and the like).
    """

    endpoint: Url | None = None
    protocol: Protocol | None = None
    headers: dict[str, Secret] = field(default_factory=dict)
    compression: Compression | None = None
    tls: Tls | None = None
    body: Literal["message", "json"] = "message"
    resource: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.protocol == "grpc" and self.compression == "zstd":
            raise ValueError("gRPC has no `compression` zstd here: use gzip, or protocol http/json")

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Sink]:
        """Connections are made when the first batch is sent."""
        told = Told(self, os.environ)
        if told.protocol() == "grpc":
            from sinks.otlp.grpc import open_grpc  # noqa: PLC0415 - an extra

            async with open_grpc(self, told) as sink:
                yield sink
        else:
            from sinks.otlp.http import open_http  # noqa: PLC0415 - only who sends over HTTP pays for it

            async with open_http(self, told) as sink:
                yield sink


class Told:
    """What *config* says, and where it says nothing the environment; the variables for logs go before the general ones."""

    def __init__(self, config: OtlpConfig, environment: Mapping[str, str]) -> None:
        self._config = config
        self._environment = environment

    def protocol(self) -> Protocol:
        """Raise `ValueError` when the environment names none of the three."""
        said = self._config.protocol or self._variable("PROTOCOL") or "http/json"
        for known in ("http/json", "http/protobuf", "grpc"):
            if said == known:
                return known
        raise ValueError("OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, http/protobuf or grpc")

    def url(self) -> str:
        """Where HTTP requests go. Only the variable for logs is taken as it is."""
        if self._config.endpoint:
            address = self._config.endpoint
        elif exact := self._environment.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"):
            return exact
        else:
            address = self._environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
        return address if urlsplit(address).path.endswith(PATH) else address.rstrip("/") + PATH

    def target(self) -> tuple[str, bool]:
        """Where gRPC connects to, as `host:port`, and whether in the clear."""
        address = self._config.endpoint or self._variable("ENDPOINT") or "http://localhost:4317"
        parts = urlsplit(address if "://" in address else f"//{address}")
        insecure = parts.scheme == "http" or (not parts.scheme and self._variable("INSECURE", "false").lower() == "true")
        return f"{parts.hostname}:{parts.port or 4317}", insecure

    def headers(self) -> dict[str, str]:
        """Names and values; the environment writes them `a=1,b=2`, percent-encoded (W3C Baggage)."""
        return _pairs(self._variable("HEADERS")) | {name: value.reveal() for name, value in self._config.headers.items()}

    def compression(self) -> Compression:
        """The configuration's, the environment's (gzip or none), else gzip."""
        if self._config.compression is not None:
            return self._config.compression
        return "none" if self._variable("COMPRESSION") == "none" else "gzip"

    def tls(self) -> Tls | None:
        """The configuration's, or one of the files that the environment names."""
        files = [self._variable(name) or None for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")]
        if self._config.tls is not None or not any(files):
            return self._config.tls
        return Tls(ca_file=files[0], cert_file=files[1], key_file=files[2])

    def resource(self) -> dict[str, str]:
        """The resource's attributes; the configuration's go before the environment's."""
        environment = _pairs(self._environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
        if service := self._environment.get("OTEL_SERVICE_NAME"):
            environment["service.name"] = service
        return DEFAULT_RESOURCE | environment | self._config.resource

    def _variable(self, name: str, default: str = "") -> str:
        specific = self._environment.get(f"OTEL_EXPORTER_OTLP_LOGS_{name}")
        return specific or self._environment.get(f"OTEL_EXPORTER_OTLP_{name}") or default


def _pairs(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}
