"""The options of the audit trail on the command line, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sanitizer.protocol.surroundings import FactPaths


def audit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the audit trail, the same for every command that keeps one."""
    for option in reversed(
        (
            click.option("--audit-file", metavar="FILE", help="Write the audit trail there."),
            click.option("--audit-keep", metavar="SPAN", help="Delete parts of the file after so long: 90d, 12h; else never."),
            click.option(
                "--fact",
                "facts",
                multiple=True,
                metavar="NAME=PATH",
                help="Where a call's user, project, subject_id ... is found: user=record.auth.sub, project=meta.org. Repeatable.",
            ),
            click.option("--keep-fact", "kept", multiple=True, metavar="NAME", help="Redact this fact, but keep it. Repeatable."),
        )
    ):
        command = option(command)
    return command


def fact_paths(facts: Sequence[str], kept: Sequence[str]) -> FactPaths:
    """The `FactPaths` of `audit_options`. Raises `click.UsageError`."""
    import msgspec  # noqa: PLC0415

    from sanitizer.protocol.surroundings import FactPaths  # noqa: PLC0415

    given: dict[str, list[str]] = {}
    for name, _, path in (text.partition("=") for text in facts):
        given.setdefault(name, []).append(path)
    default = FactPaths()
    try:
        return msgspec.convert({**given, "kept": [*default.kept, *kept]}, FactPaths)
    except msgspec.ValidationError:
        names = ", ".join(name for name in FactPaths.__struct_fields__ if name != "kept")
        raise click.UsageError(
            f"--fact and --keep-fact: write NAME=PATH, NAME being one of {names}; PATH begins with record., arguments. or meta."
        ) from None


def keep_secs(span: str | None) -> float | None:
    """The seconds of `--audit-keep`. Raises `click.UsageError`."""
    from sanitizer.records.times import seconds  # noqa: PLC0415

    if span is None:
        return None
    if (secs := seconds(span)) is None:
        raise click.UsageError(f"--audit-keep: {span!r} is no span of time; write 90d, 12h, 30m or 45s")
    return secs
