"""Where records come from: one module a source. The union of their config structs is the registry.

A config struct (frozen, `tag` = the `type` that the configuration writes) inherits `sanitizer.sources.options.SourceOptions`
and has

    def open(self, reading: Reading) -> AbstractAsyncContextManager[Source]

Its module is light to import: client libraries are imported in `open`.
"""

from __future__ import annotations

from sanitizer.sources.file.source import FileConfig
from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.stdin import StdinConfig

SourceConfig = StdinConfig | FileConfig | KafkaConfig

__all__ = ["FileConfig", "KafkaConfig", "SourceConfig", "StdinConfig"]
