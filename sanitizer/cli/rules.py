"""`sanitizer rules`: list, show, check, explain, import."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from sanitizer.cli.ending import fail
from sanitizer.cli.main import composed, rule_options, selection
from sanitizer.rulesets.ruleset import RuleError, load


@click.group()
def rules() -> None:
    """List, show, check, import and explain rules."""


@rules.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@rule_options
def list_rules(as_json: bool, key_file: str | None, **options: Any) -> None:  # noqa: ARG001 - the same options everywhere
    """List the rules in force."""
    found = chosen(**options)
    if as_json:
        click.echo(
            msgspec.json.encode(
                [{"id": r.id, "kind": r.label, "pack": r.pack, "action": r.action, "file": r.file} for r in found.rules]
            )
        )
        return
    width = max(len(rule.id) for rule in found.rules)
    for rule in found.rules:
        click.echo(f"{rule.id:{width}}  {rule.pack:12}  {rule.action:7}  {rule.finds or rule.label}")
    click.echo(f"{len(found.rules)} rules, set {found.digest}", err=True)


@rules.command()
@click.argument("rule_id", metavar="ID")
@rule_options
def show(rule_id: str, key_file: str | None, **options: Any) -> None:  # noqa: ARG001
    """Show one rule as it is in force."""
    options["profile"] = "strict"
    for rule in chosen(**options).rules:
        if rule.id == rule_id:
            written = {name: value for name, value in msgspec.to_builtins(rule).items() if value or name == "pattern"}
            click.echo(msgspec.json.format(msgspec.json.encode(written), indent=2))
            return
    fail(f"no rule is called {rule_id!r}; `sanitizer rules list --profile strict` shows the ids")


@rules.command()
@click.argument("directories", nargs=-1, type=click.Path(exists=True), metavar="[DIR]...")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(directories: tuple[str, ...], as_json: bool) -> None:
    """Say every reason not to trust a rule: of the shipped ones, or of those in DIR. Exits 1 if there is any."""
    from sanitizer.cli.rulecheck import check_files  # noqa: PLC0415

    try:
        count, faults = check_files(directories)
    except RuleError as fault:
        fail(fault)
    if as_json:
        click.echo(msgspec.json.encode({"rules": count, "faults": faults}))
    else:
        for line in faults:
            click.echo(line)
        click.echo(f"{count} rules: {f'{len(faults)} faults' if faults else 'no faults found'}", err=True)
    sys.exit(1 if faults else 0)


@rules.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@rule_options
def explain(text: str, as_json: bool, **options: Any) -> None:
    """Say of each candidate in TEXT why it was or was not redacted. TEXT may be - for standard input."""
    from sanitizer.cli.explain import explain as candidates  # noqa: PLC0415
    from sanitizer.detection.scan import BoundError  # noqa: PLC0415
    from sanitizer.redaction.scrub import reason_of  # noqa: PLC0415

    scrubber = composed("raw", options).scrubber
    data = sys.stdin.buffer.read() if text == "-" else text.encode("utf-8", "surrogateescape")
    for line in data.split(b"\n"):
        try:
            found = list(candidates(line, scrubber.compiled, scrubber.redactor))
        except BoundError as fault:
            click.echo(f"withheld: {reason_of(fault)}", err=as_json)
            continue
        if as_json:
            click.echo(msgspec.json.encode([candidate._asdict() for candidate in found]))
            continue
        click.echo(scrubber.redactor.text(line).decode("utf-8", "replace"))
        for start, end, rule, verdict in found:
            place = f"{start}-{end}" if end > start else f"{start}"
            click.echo(f"  {place:>9}  {rule}: {verdict}")
        if line and not found:
            click.echo("  no rule has a candidate here")


@rules.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", metavar="FILE", help="Write the rules there (default: standard output).")
def import_rules(file: str, output: str | None) -> None:
    """Turn a gitleaks or betterleaks FILE of your own into rules; what cannot be carried over is said on standard error."""
    from sanitizer.rulesets.gitleaks import convert  # noqa: PLC0415

    try:
        written, notes = convert(file)
    except RuleError as fault:
        fail(fault)
    for note in notes:
        click.echo(note, err=True)
    if output:
        with open(output, "w", encoding="utf-8") as target:
            target.write(written)
    else:
        click.echo(written, nl=False)


def chosen(**options: Any) -> Any:
    """The rules of `rule_options`, or the end of the program with the reason."""
    try:
        return load(selection(options["directories"], options["profile"], options["packs"], options["disable"], options["actions"]))
    except RuleError as fault:
        fail(fault)
