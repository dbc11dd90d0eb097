"""Which batches, and which records of them, a sink gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, get_args

import orjson

from sanitizer.model import CleanBatch
from sanitizer.pipeline.batching import pick
from sinks.options import AuditView, Filter, Level, SinkOptions

Receive = Callable[[CleanBatch], CleanBatch | None]

_LEVELS: Sequence[str] = get_args(Level)
_ALIASES = {
    "warning": "warn", "notice": "info", "information": "info", "critical": "fatal", "crit": "fatal", "emergency": "fatal",
    "emerg": "fatal", "alert": "fatal", "panic": "fatal", "err": "error", "verbose": "debug", "silly": "trace", "dbg": "debug",
}  # fmt: skip


def receiver(options: SinkOptions) -> Receive:
    """What takes a batch and gives what the sink gets of it; None when that is nothing."""
    wanted = options.filter

    def receive(batch: CleanBatch) -> CleanBatch | None:
        if batch.kind not in options.receives:
            return None
        if wanted is not None:
            chosen = [index for index, record in enumerate(batch.records) if _passes(record, wanted)]
            if not chosen:
                return None
            batch = pick(batch, chosen)
        return batch if batch.kind == "logs" or options.audit_view == "native" else _in_view(batch, options.audit_view)

    return receive


def _in_view(batch: CleanBatch, view: AuditView) -> CleanBatch:
    from sanitizer.dialects.views import render  # noqa: PLC0415 - only who asks for it pays for it

    return replace(batch, records=[render(view, record) for record in batch.records])


def _passes(record: bytes, wanted: Filter) -> bool:
    try:
        fields = orjson.loads(record)
    except orjson.JSONDecodeError:
        fields = {}
    if wanted.min_level is not None and _rank(_find(fields, "level")) < _LEVELS.index(wanted.min_level):
        return False
    has = all(_matches(_find(fields, path), pattern) for path, pattern in wanted.fields.items())
    return has and not any(_matches(_find(fields, path), pattern) for path, pattern in wanted.without.items())


def _rank(level: Any) -> int:
    """Where *level* stands among the levels; what says nothing of itself counts as `info`."""
    name = str(level).lower()
    name = _ALIASES.get(name, name)
    return _LEVELS.index(name) if name in _LEVELS else _LEVELS.index("info")


def _find(fields: Any, path: str) -> Any:
    if isinstance(fields, dict) and path in fields:
        return fields[path]
    for name in path.split("."):
        if not isinstance(fields, dict):
            return None
        fields = fields.get(name)
    return fields


def _matches(value: Any, pattern: str) -> bool:
    if value is None:
        return False
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return fnmatchcase(text, pattern)
