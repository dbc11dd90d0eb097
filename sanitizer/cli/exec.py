"""`sanitizer exec` and `sanitizer wrap`: a server behind us, and a client's configuration that puts its servers there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sanitizer.cli.ending import fail
from sanitizer.cli.main import composed, rule_options
from sanitizer.cli.trail_options import audit_options, keep_secs

if TYPE_CHECKING:
    from sanitizer.proxy.copies import Ends


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--name", default="", metavar="NAME", help="The server's name in the audit trail.")
@audit_options
@click.option("--config", metavar="FILE", help="Send its redacted log and the audit trail to these sinks too.")
@rule_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(command: tuple[str, ...], name: str, audit_file: str | None, config: str | None, **options: Any) -> None:
    """Run an MCP server with its standard input and output passed through untouched, and its standard error redacted.

    \b
    sanitizer exec --name crm --audit-file audit.ndjson -- npx attio-mcp
    """
    from sanitizer.proxy import exec as wrapping  # noqa: PLC0415

    if config and any(value for key, value in options.items() if key != "profile" or value != "default"):
        raise click.UsageError("--config says which rules, keys and facts: leave out the options for them")
    name = name or os.path.basename(command[0])

    def listen(ends: Ends) -> None:
        from sanitizer.process.ownlog import log_briefly  # noqa: PLC0415

        log_briefly()
        if config:
            _listen_with(ends, config, name, audit_file)
        else:
            _listen(ends, name, audit_file, options)

    wrapping.run(command, listen)


def _listen(ends: Ends, name: str, audit_file: str | None, options: dict[str, Any]) -> None:
    from sanitizer.audit.chain import SigningKeyError  # noqa: PLC0415
    from sanitizer.audit.ledger import LedgerError  # noqa: PLC0415
    from sanitizer.proxy import listening  # noqa: PLC0415

    shown = composed(form="raw", options={**options, "audit_file": audit_file})
    try:
        trail = listening.open_trail(audit_file, name, keep_secs(options["audit_keep"])) if audit_file else None
    except (SigningKeyError, LedgerError, OSError) as fault:
        fail(fault)
    listening.run(ends, shown, trail)


def _listen_with(ends: Ends, path: str, name: str, audit_file: str | None) -> None:
    from sanitizer.audit.chain import SigningKeyError  # noqa: PLC0415
    from sanitizer.audit.ledger import LedgerError  # noqa: PLC0415
    from sanitizer.pipeline.state import StateError  # noqa: PLC0415
    from sanitizer.proxy import listening  # noqa: PLC0415
    from sanitizer.service import config as configuration  # noqa: PLC0415

    try:
        config = configuration.load(path, given={"sources": [{"type": "stdin"}]})
        if faults := configuration.check(config):
            raise configuration.ConfigError(path, faults)
        folder = listening.folder_of(configuration.state_folder(config, path), name)
        asyncio.run(listening.run_flow(ends, listening.prepared(config, name, audit_file), folder))
    except (configuration.ConfigError, StateError, SigningKeyError, LedgerError) as fault:
        fail(fault)


@click.command()
@click.argument("path", metavar="MCP.JSON", type=click.Path(exists=True, dir_okay=False))
@click.option("--undo", is_flag=True, help="Start the servers directly again.")
@click.option("--name", "names", multiple=True, metavar="NAME", help="This server only. Repeatable.")
@click.option("--audit-dir", metavar="DIR", help="Keep an audit trail of each server's calls in DIR/NAME.ndjson.")
@click.option("--config", metavar="FILE", help="Have each server's log and audit trail sent to this configuration's sinks.")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def wrap(path: str, names: tuple[str, ...], audit_dir: str | None, config: str | None, **flags: bool) -> None:
    """Put every server of a client's configuration behind `exec`: `mcpServers` (Claude, Cursor), `servers` (VS Code).

    Shows the difference, secrets masked, and asks before it writes. What the file held is kept beside it. Servers that are reached
    by URL stay as they are.
    """
    from sanitizer.proxy import wrap as wrapping  # noqa: PLC0415
    from sanitizer.proxy.jsonc import JsonError  # noqa: PLC0415

    def exec_options(name: str) -> list[str]:
        audit = ["--audit-file", os.path.join(os.path.abspath(audit_dir), f"{_file_name(name)}.ndjson")] if audit_dir else []
        return ["--name", name, *audit, *(["--config", os.path.abspath(config)] if config else [])]

    undo = flags["undo"]
    try:
        before = Path(path).read_bytes().decode()
        change = wrapping.unwrap(before, names) if undo else wrapping.wrap(before, _program(), exec_options, names)
    except (JsonError, UnicodeDecodeError) as fault:
        fail(f"{path}: {fault if isinstance(fault, JsonError) else 'is no UTF-8 text'}; nothing was written")
    except OSError as trouble:
        fail(f"{path}: {trouble.strerror}")
    for name in set(names) - {*change.changed, *(name for name, _ in change.skipped)}:
        fail(f"{path}: has no server {name!r}")
    for name, reason in change.skipped:
        click.echo(f"{name}: left as it is ({reason})", err=True)
    if not change.changed:
        click.echo("Nothing to change.", err=True)
        return
    click.echo(wrapping.difference(before, change.text, path, _cleaner()), nl=False)
    if flags["dry_run"] or not (flags["yes"] or click.confirm(f"Write {path}?", err=True)):
        click.echo("Nothing was written.", err=True)
        return
    try:
        if audit_dir and not undo:
            os.makedirs(audit_dir, mode=0o700, exist_ok=True)
        backup = wrapping.replace_file(Path(path), change.text)
    except OSError as trouble:
        fail(f"{trouble.filename or path}: {trouble.strerror}; {path} is as it was", 1)
    click.echo(f"Written; {backup} holds what it was. Restart the client to use it.", err=True)


def _program() -> str:
    """What starts this program from anywhere: clients with a window have another PATH than shells."""
    found = shutil.which("sanitizer", path=os.path.dirname(sys.executable)) or shutil.which("sanitizer")
    if found is None:
        return "sanitizer"
    return "sanitizer" if os.path.dirname(found) in ("/bin", "/usr/bin", "/usr/local/bin") else os.path.abspath(found)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).lstrip(".") or "server"


def _cleaner() -> Callable[[str], str]:
    """Redacts one text with the built-in rules; what cannot be redacted is not shown."""
    from sanitizer.hashing import Keyring  # noqa: PLC0415
    from sanitizer.redaction.scrub import Options, Scrubber  # noqa: PLC0415
    from sanitizer.rulesets.cache import compiled  # noqa: PLC0415
    from sanitizer.rulesets.ruleset import Selection  # noqa: PLC0415

    redactor = Scrubber(compiled(Selection()), Keyring.load(None), Options(format="raw")).redactor

    def clean(text: str) -> str:
        try:
            return redactor.text(text.encode()).decode("utf-8", "replace")
        except Exception:  # whatever it is, nothing may be shown as it stands
            return "[withheld]\n"

    return clean
