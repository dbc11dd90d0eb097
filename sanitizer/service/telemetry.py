"""Our own metrics: counted here, shown as text by the admin page, and sent by OTLP where that is configured.

Labels are names of sinks, ids of rules, reasons: never input.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from sanitizer.model import Batch, CleanBatch
from sanitizer.pipeline.batching import weight

if TYPE_CHECKING:
    from sanitizer.service.settings import Telemetry

Counter = Literal[
    "read_bytes",  # bytes taken from sources
    "read_records",  # records found in them
    "clean_records",  # records redacted, of which some may be withheld
    "findings",  # by rule
    "withheld",  # by reason
    "delivered",  # records, by sink
    "filtered",  # records that a sink's filter left out, by sink
    "dead_lettered",  # records, by sink
    "dropped",  # records, by sink
    "retries",  # sends that were tried again, by sink
    "spool_damaged",  # batches on disk that were not whole, by sink
    "fenced",  # records left to another process, by sink
    "reloads",  # by outcome
    "audit_events",
    "files_damaged",
    "kafka_messages_corrupt",
    "kafka_messages_expired",  # deleted by their topic's retention before they were read
]
Gauge = Literal["spool_bytes", "lag", "up_secs"]

_LABELS: Mapping[str, str] = {"findings": "rule", "withheld": "reason", "reloads": "outcome", "lag": "lane", "spool_bytes": "sink"}
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_PREFIX = "sanitizer"


class Metrics:
    """Counts since the start. It is what the pipeline calls its observer."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, int]] = {name: {} for name in get_args(Counter)}
        self._gauges: dict[str, Callable[[], Mapping[str, float]]] = {}
        self._latencies = [0] * (len(_BOUNDS) + 1)
        self._latency_sum = 0.0
        self._began = time.monotonic()
        self.gauge("up_secs", lambda: {"": time.monotonic() - self._began})

    def add(self, name: str, label: str, increment: int) -> None:
        """Count *increment* more of *name* under *label* (the sink, rule, reason; may be empty)."""
        counts = self._counts.setdefault(name, {})
        counts[label] = counts.get(label, 0) + increment

    def gauge(self, name: Gauge, read: Callable[[], Mapping[str, float]]) -> None:
        """Have *name* read by *read* when somebody looks: a value for each label."""
        self._gauges[name] = read

    def total(self, name: Counter) -> int:
        """The sum of *name* over its labels."""
        return sum(self._counts[name].values())

    def counts(self, name: Counter) -> Mapping[str, int]:
        """*name* by label."""
        return dict(self._counts[name])

    def read(self, batch: Batch) -> None:
        """Count what a source gave."""
        self.add("read_bytes", "", weight(batch))

    def cleaned(self, batch: CleanBatch) -> None:
        """Count what redaction made of it."""
        if batch.kind == "audit":
            self.add("audit_events", "", len(batch.records))
            return
        self.add("read_records", "", batch.read)
        self.add("clean_records", "", len(batch.records))
        for name, counts in (("findings", batch.findings), ("withheld", batch.withheld)):
            for label, number in counts.items():
                self.add(name, label, number)

    def settled(self, latency_secs: float) -> None:
        """Count how long a batch took from being read to being safe."""
        self._latencies[bisect_left(_BOUNDS, latency_secs)] += 1
        self._latency_sum += latency_secs

    def values(self) -> Iterator[tuple[str, str, float]]:
        """(name, label, value) of every counter and gauge."""
        for name, counts in self._counts.items():
            yield from ((name, label, number) for label, number in (counts or {"": 0}).items())
        for name, read in self._gauges.items():
            yield from ((name, label, number) for label, number in read().items())

    def text(self) -> str:
        """Everything in Prometheus' text format (version 0.0.4)."""
        lines: list[str] = []
        for name in [*self._counts, *self._gauges]:
            suffix, kind = ("_total", "counter") if name in self._counts else ("", "gauge")
            lines.append(f"# TYPE {_PREFIX}_{name}{suffix} {kind}")
            for label, number in [(label, number) for other, label, number in self.values() if other == name]:
                lines.append(
                    f"{_PREFIX}_{name}{suffix}{_braced(name, label)} {number:g}"
                    if isinstance(number, float)
                    else f"{_PREFIX}_{name}{suffix}{_braced(name, label)} {number}"
                )
        lines.append(f"# TYPE {_PREFIX}_batch_latency_seconds histogram")
        below = 0
        for bound, number in zip((*map(str, _BOUNDS), "+Inf"), self._latencies, strict=True):
            below += number
            lines.append(f'{_PREFIX}_batch_latency_seconds_bucket{{le="{bound}"}} {below}')
        lines.append(f"{_PREFIX}_batch_latency_seconds_sum {self._latency_sum:g}")
        lines.append(f"{_PREFIX}_batch_latency_seconds_count {below}")
        return "\n".join(lines) + "\n"


def _braced(name: str, label: str) -> str:
    if not label:
        return ""
    escaped = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{{_LABELS.get(name, "sink")}="{escaped}"}}'


class Export:
    """Sends *metrics* by OTLP over HTTP until it is closed. Raises `OSError` for a certificate that cannot be read."""

    def __init__(self, metrics: Metrics, options: Telemetry) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - paid for by who wants it
        from opentelemetry.metrics import CallbackOptions, Observation  # noqa: PLC0415
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

        tls = options.tls
        exporter = OTLPMetricExporter(
            endpoint=f"{options.endpoint.rstrip('/')}/v1/metrics",
            headers={name: value.reveal() for name, value in options.headers.items()},
            certificate_file=tls.ca_file if tls else None,
            client_key_file=tls.key_file if tls else None,
            client_certificate_file=tls.cert_file if tls else None,
        )
        reader = PeriodicExportingMetricReader(exporter, options.interval_secs * 1000)
        self._provider = MeterProvider([reader], Resource.create({"service.name": "mcp-log-sanitizer"}))
        meter = self._provider.get_meter(_PREFIX)

        def watch(name: str) -> Callable[[CallbackOptions], Any]:
            def observe(_: CallbackOptions) -> Any:
                label = _LABELS.get(name, "sink")
                return [
                    Observation(value, {label: text} if text else {}) for other, text, value in metrics.values() if other == name
                ]

            return observe

        for name in get_args(Counter):
            meter.create_observable_counter(f"{_PREFIX}.{name}", [watch(name)])
        for name in get_args(Gauge):
            meter.create_observable_gauge(f"{_PREFIX}.{name}", [watch(name)])

    def close(self) -> None:
        """Send once more and end."""
        self._provider.shutdown()
