"""Everything that a configuration file may say. Each struct's docstring is its reference; `sanitizer schema` prints it all."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from sanitizer.audit.options import Audit
from sanitizer.protocol.params import Mode
from sanitizer.records.wrappers import Wrapper
from sanitizer.redaction.scrub import Format
from sanitizer.rulesets.ruleset import Selection
from sanitizer.sources import SourceConfig
from sinks import SinkConfig
from sinks.options import Bytes, Count, Options, Seconds, Secret, Tls, Url


class ParamsPolicy(Options, frozen=True):
    """What becomes of the params of calls: `hash` (the default; in raw output `sanitize`), `sanitize`, `shape` or `remove`.

    `by_method` and `by_tool` map globs to other modes. `plain_hash` writes `sha256:HEX`, which anybody can compute, instead of
    the keyed hash.
    """

    mode: Mode | None = None
    by_method: dict[str, Mode] = field(default_factory=dict)
    by_tool: dict[str, Mode] = field(default_factory=dict)
    plain_hash: bool = False


class SpoolOptions(Options, frozen=True):
    """How much may wait on disk for each sink."""

    max_bytes: Bytes = 1 << 30


class Admin(Options, frozen=True):
    """Health, readiness, metrics and a status page over HTTP. It asks for no password: keep it on an address of your own."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9464


class Telemetry(Options, frozen=True):
    """Send our own metrics to an OpenTelemetry endpoint (OTLP over HTTP), every `interval_secs`."""

    endpoint: Url
    headers: dict[str, Secret] = field(default_factory=dict)
    interval_secs: Annotated[float, Meta(gt=0)] = 60.0
    tls: Tls | None = None


class Config(Options, frozen=True, kw_only=True):
    """Where records come from, where they go, and what happens to them between.

    `state_dir` holds positions, dead letters and what waits for a sink; one process uses it at a time. `hash_key_file` holds the
    keys of pseudonyms and params hashes (else `SANITIZER_HASH_KEY`, else a random key for this run). `wrapper` says how lines are
    wrapped, where that cannot be told from them. A record's continuation is waited for `hold_secs`; a record longer than
    `max_record_bytes` is cut and marked. With `workers` above 1 that many processes share the redaction
    (and `--workers` goes before it).
    On SIGTERM everything read is delivered within `drain_secs`, or put into the spool.
    """

    sources: Annotated[tuple[SourceConfig, ...], Meta(min_length=1)]
    sinks: Annotated[tuple[SinkConfig, ...], Meta(min_length=1)]
    state_dir: str | None = None
    rules: Selection = Selection()
    params: ParamsPolicy = ParamsPolicy()
    format: Format = "ndjson"
    annotate: bool = False
    wrapper: Wrapper = "auto"
    hash_key_file: str | None = None
    audit: Audit | None = None
    spool: SpoolOptions = SpoolOptions()
    delivery: Literal["at_least_once", "exactly_once"] = "at_least_once"
    hold_secs: Seconds = 0.2
    max_record_bytes: Annotated[int, Meta(ge=1024)] = 1 << 20
    commit_secs: Seconds = 0.2
    drain_secs: Seconds = 25.0
    workers: Count = 1
    admin: Admin | None = None
    telemetry: Telemetry | None = None


def sink_names(config: Config) -> list[str]:
    """The name of each sink: its own, or its type, numbered where several share it."""
    names: list[str] = []
    for sink in config.sinks:
        wanted = sink.name or str(sink.__struct_config__.tag)
        name, n = wanted, 2
        while name in names and not sink.name:
            name, n = f"{wanted}-{n}", n + 1
        names.append(name)
    return names
