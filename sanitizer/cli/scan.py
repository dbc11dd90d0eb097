"""`sanitizer scan`, which writes nothing, and `sanitizer demo`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from sanitizer.cli.ending import fail
from sanitizer.cli.inputs import inputs, progress
from sanitizer.cli.main import composed, rule_options


@click.command()
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--fail-on", metavar="FINDINGS", help="Exit with 1 if there are so many findings (a number, or `any`).")
@click.option("--json", "as_json", is_flag=True, help="The tables as JSON.")
@click.option(
    "--wrapper",
    type=click.Choice(["auto", "plain", "cri", "docker", "journald", "journald-export"]),
    default="auto",
    help="How lines are wrapped.",
)
@rule_options
def scan(files: tuple[str, ...], fail_on: str | None, as_json: bool, **options: Any) -> None:
    """Say what would be redacted in standard input or FILES, by rule, field and tool. Nothing is written."""
    from sanitizer.cli import report  # noqa: PLC0415
    from sanitizer.detection import context  # noqa: PLC0415
    from sanitizer.process.ownlog import log_briefly  # noqa: PLC0415
    from sanitizer.redaction.redact import rows_of  # noqa: PLC0415
    from sanitizer.service import pipe  # noqa: PLC0415

    limit = 1 if fail_on == "any" else int(fail_on) if fail_on and fail_on.isdigit() else 0
    if fail_on and not limit:
        raise click.UsageError(f"--fail-on takes a number above 0, or `any`; {fail_on!r} is neither")
    log_briefly()
    lanes = composed("ndjson", {**options, "params": "sanitize"})
    files = inputs(files)
    fields: Counter[str] = Counter()
    tools: Counter[str] = Counter()

    def observe(rows: Any, redacted: Any) -> None:
        clean = lanes.scrubber.redactor.text
        for row, (start, _, _) in zip(rows_of(redacted.found, rows.rows), redacted.found, strict=True):
            fields[clean(context.field(redacted.buffer, start).encode()).decode("utf-8", "replace") or "(no field)"] += 1
            tools[clean(context.tool(rows.rows[row]).encode()).decode("utf-8", "replace") or "(no tool)"] += 1

    lanes.scrubber.observe = observe
    counts = pipe.Counts()
    with progress(files, counts):
        code = pipe.run(lanes, files, None, counts)
    more = {"by field": dict(fields.most_common(40)), "by tool": dict(tools.most_common(40))}
    report.report(counts, lanes, as_json=as_json, more=more)
    found = counts.findings.total()
    sys.exit(code or int(bool(limit and found >= limit)))


@click.command()
def demo() -> None:
    """Show a real log before and after."""
    from sanitizer.cli import report  # noqa: PLC0415
    from sanitizer.service import pipe  # noqa: PLC0415

    package = Path(__file__).parents[1]
    sample = next((p for p in (package / "examples", package.with_name("examples")) if p.is_dir()), None)
    if sample is None:
        fail("the sample log is not installed")
    path = sample / "server.log"
    click.secho("before (real output of MCP servers; every secret in it is a planted fake)\n", bold=True)
    click.echo(path.read_text("utf-8", "replace"))
    click.secho("after: sanitizer run\n", bold=True)
    sys.stdout.flush()
    lanes = composed(
        "ndjson", {"directories": (), "profile": "default", "packs": (), "disable": (), "actions": (), "key_file": None}
    )
    counts = pipe.Counts()
    code = pipe.run(lanes, [str(path)], 1, counts)
    report.report(counts, lanes, as_json=False)
    sys.exit(code)
