"""The table at the end of a run or a scan: for people on standard error, for programs as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import click
import msgspec

from sanitizer.redaction.lanes import Lanes
from sanitizer.service.pipe import Counts


def summary(counts: Counts, lanes: Lanes) -> dict[str, Any]:
    """The figures of *counts*, ready for JSON."""
    keyring = lanes.scrubber.keyring
    return {
        "records": counts.records,
        "written": counts.written,
        "dropped": counts.dropped,
        "bytes": counts.bytes_read,
        "seconds": round(time.monotonic() - counts.begun, 3),
        "findings": dict(counts.findings.most_common()),
        "withheld": dict(counts.withheld.most_common()),
        "rules": lanes.scrubber.digest,
        "key": keyring.active_id,
    }


def report(counts: Counts, lanes: Lanes, *, as_json: bool, more: Mapping[str, Mapping[str, int]] | None = None) -> None:
    """Print the summary; *more* are further tables by name."""
    found = summary(counts, lanes)
    if as_json:
        click.echo(msgspec.json.encode({**found, **(more or {})}).decode(), err=True)
        return
    secs = found["seconds"] or 0.001
    click.echo(
        f"\n{found['records']:,} records, {found['bytes'] / 1e6:,.1f} MB in {secs:.1f} s ({found['bytes'] / 1e6 / secs:.1f} MB/s)",
        err=True,
    )
    if counts.dropped:
        click.echo(f"{counts.dropped:,} records were dropped: the output did not take them and the spool was full", err=True)
    table("redacted by rule", found["findings"].items())
    for name, rows in (more or {}).items():
        table(name, rows.items())
    table("withheld, by reason", found["withheld"].items())
    known = "a random key of this run" if lanes.scrubber.keyring.is_ephemeral else "your key"
    click.echo(f"rules {found['rules']}, pseudonyms under key {found['key']} ({known})", err=True)


def table(title: str, rows: Iterable[tuple[str, int]]) -> None:
    shown = list(rows)
    if not shown:
        return
    width = max(len(name) for name, _ in shown)
    click.echo(f"\n{title}", err=True)
    for name, count in shown:
        click.echo(f"  {name:{width}}  {count:>10,}", err=True)
