"""Where clean records go: one module a destination. The union of their config structs is the registry.

A config struct (frozen, `tag` = the `type` that the configuration writes) inherits `sinks.options.SinkOptions` and has

    def open(self) -> AbstractAsyncContextManager[Sink]

Its module is light to import (client libraries are imported in `open`), and knows of `sanitizer` only `sanitizer.model`
and `sanitizer.records.fields`. To add a sink: write the module, name its struct here, give the contract suite its peer.
"""

from __future__ import annotations

from sinks.file import FileConfig
from sinks.http import HttpConfig
from sinks.kafka import KafkaSinkConfig
from sinks.otlp import OtlpConfig
from sinks.stdout import StdoutConfig

SinkConfig = StdoutConfig | FileConfig | HttpConfig | OtlpConfig | KafkaSinkConfig

__all__ = ["FileConfig", "HttpConfig", "KafkaSinkConfig", "OtlpConfig", "SinkConfig", "StdoutConfig"]
