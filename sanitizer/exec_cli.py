"""`sanitizer exec` and `sanitizer wrap`: a server behind us, and a client's configuration that puts its servers there."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import click

from sanitizer.cli import composed, fail, rule_options

if TYPE_CHECKING:
    from sanitizer.copies import Ends


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--name", default="", metavar="NAME", help="The server's name in the audit trail.")
@click.option("--audit-file", metavar="FILE", help="Write the audit trail of its calls there.")
@click.option("--config", metavar="FILE", help="Send its redacted log and the audit trail to these sinks too.")
@rule_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(command: tuple[str, ...], name: str, audit_file: str | None, config: str | None, **options: Any) -> None:
    """Run an MCP server with its standard input and output passed through untouched, and its standard error redacted.

    \b
    sanitizer exec --name crm --audit-file audit.ndjson -- npx attio-mcp
    """
    from sanitizer import exec as wrapping  # noqa: PLC0415

    if config and any(value for key, value in options.items() if key != "profile" or value != "default"):
        raise click.UsageError("--config says which rules and keys: leave out the options for them")
    name = name or os.path.basename(command[0])

    def listen(ends: Ends) -> None:
        from sanitizer import listening  # noqa: PLC0415

        listening.log_briefly()
        if config:
            _listen_with(ends, config, command, name, audit_file)
        else:
            _listen(ends, name, audit_file, options)

    wrapping.run(command, listen)


def _listen(ends: Ends, name: str, audit_file: str | None, options: dict[str, Any]) -> None:
    from sanitizer import listening  # noqa: PLC0415
    from sanitizer.chain import SigningKeyError  # noqa: PLC0415
    from sanitizer.ledger import LedgerError  # noqa: PLC0415

    shown = composed(form="raw", options={**options, "audit_file": audit_file})
    try:
        trail = listening.open_trail(audit_file, name) if audit_file else None
    except (SigningKeyError, LedgerError, OSError) as fault:
        fail(fault)
    listening.run(ends, shown, trail)


def _listen_with(ends: Ends, path: str, command: tuple[str, ...], name: str, audit_file: str | None) -> None:
    from sanitizer import config as configuration  # noqa: PLC0415
    from sanitizer import listening  # noqa: PLC0415
    from sanitizer.chain import SigningKeyError  # noqa: PLC0415
    from sanitizer.ledger import LedgerError  # noqa: PLC0415
    from sanitizer.state import StateError  # noqa: PLC0415

    try:
        config = configuration.load(path, given={"sources": [{"type": "stdin"}]})
        if faults := configuration.check(config):
            raise configuration.ConfigError(path, faults)
        folder = listening.folder_of(configuration.state_folder(config, path), name)
        asyncio.run(listening.run_flow(ends, listening.prepared(config, name, audit_file), folder))
    except (configuration.ConfigError, StateError, SigningKeyError, LedgerError) as fault:
        fail(fault)


@click.command()
def wrap() -> None:
    """Put every server of a client's configuration behind `exec`."""
