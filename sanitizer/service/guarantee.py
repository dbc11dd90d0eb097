"""Which configurations can keep `delivery = "exactly_once"`. What keeps it is in `transactions`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sanitizer.sources.kafka.config import KafkaConfig
from sinks.kafka.config import KafkaSinkConfig
from sinks.kafka.connection import cluster


def faults(sources: Sequence[object], sinks: Sequence[object]) -> list[str]:
    """Why `delivery = "exactly_once"` is impossible with these configurations, one sentence each; none if it is possible."""
    reasons = []
    kafka_sources = [source for source in sources if isinstance(source, KafkaConfig)]
    kafka_sinks = [sink for sink in sinks if isinstance(sink, KafkaSinkConfig)]
    if len(kafka_sources) != 1 or len(sources) != 1:
        reasons.append("exactly_once needs one kafka source and no other: only Kafka's offsets can be part of a transaction")
    reasons += [
        f"exactly_once cannot include the {_type(sink)} sink: only writes to Kafka can be part of a transaction"
        for sink in sinks
        if not isinstance(sink, KafkaSinkConfig)
    ]
    for sink in kafka_sinks:
        if kafka_sources and cluster(sink) != cluster(kafka_sources[0]):
            reasons.append(f"exactly_once needs sink topic {sink.topic} on the source's cluster (the same bootstrap_servers)")
        if sink.when_down == "spill":
            reasons.append(f"exactly_once cannot spill the records for topic {sink.topic}: set when_down = \"wait\"")
        if sink.compression != kafka_sinks[0].compression:
            reasons.append("exactly_once needs one compression for all kafka sinks: they share a producer")
    if any(source.isolation != "read_committed" for source in kafka_sources):
        reasons.append('exactly_once needs isolation = "read_committed" at the source: aborted messages must not be read')
    return reasons


def _type(config: object) -> str:
    return str(getattr(config, "__struct_config__").tag) if isinstance(config, msgspec.Struct) else type(config).__name__  # noqa: B009
