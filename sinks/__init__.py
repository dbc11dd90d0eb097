"""Where clean records go: one module or package a destination. The union of their config structs is the registry.

A config struct (frozen, `tag` = the `type` that the configuration writes) inherits `sinks.options.SinkOptions` and has

    def open(self) -> AbstractAsyncContextManager[Sink]

Its module is light to import (client libraries are imported in `open`), and knows of `sanitizer` only `sanitizer.model`
and `sanitizer.records.fields`. To add a sink: write the module, name its struct here, give the contract suite its peer.
"""

from __future__ import annotations

from sinks.elasticsearch import ElasticsearchConfig
from sinks.file import FileConfig
from sinks.http import HttpConfig
from sinks.kafka.config import KafkaSinkConfig
from sinks.loki import LokiConfig
from sinks.otlp.config import OtlpConfig
from sinks.postgres import PostgresConfig
from sinks.splunk_hec import SplunkHecConfig
from sinks.stdout import StdoutConfig
from sinks.syslog import SyslogConfig

SinkConfig = (
    StdoutConfig
    | FileConfig
    | HttpConfig
    | OtlpConfig
    | KafkaSinkConfig
    | SyslogConfig
    | SplunkHecConfig
    | ElasticsearchConfig
    | LokiConfig
    | PostgresConfig
)

__all__ = [
    "ElasticsearchConfig",
    "FileConfig",
    "HttpConfig",
    "KafkaSinkConfig",
    "LokiConfig",
    "OtlpConfig",
    "PostgresConfig",
    "SinkConfig",
    "SplunkHecConfig",
    "StdoutConfig",
    "SyslogConfig",
]
