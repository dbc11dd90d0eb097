"""`sanitizer audit` (keygen, verify, query, stats) and `sanitizer hash`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, get_args

import click
import orjson

from sanitizer.audit import query as queries
from sanitizer.audit.chain import SigningKeyError, generate_key, key_id, load_public_key
from sanitizer.audit.event import AuditEvent, EventType
from sanitizer.audit.pairing import Outcome
from sanitizer.audit.verify import Verdict, verify
from sanitizer.dialects.views import VIEWS, render
from sanitizer.hashing import ENVIRONMENT_NAME, HashKeyError, Keyring, plain_hash
from sanitizer.protocol.payload import UnreadableError, parse, subject
from sanitizer.protocol.surroundings import FactName, pseudonym

_PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="PATH...")
_TOLD = ("chain", "first", "last", "intact_to", "signed_to", "events", "duplicates", "displaced", "retired_to")
_SHOWN_DIGITS = 36
"""Of a fingerprint: enough to ask for it."""
_FILE = click.Path(path_type=Path, dir_okay=False)


class _Fault(click.ClickException):
    """Something to be mended before the command can run: exit code 2."""

    exit_code = 2


@click.group()
def audit() -> None:
    """Keep, check and ask the audit trail."""


@audit.command()
@click.argument("path", type=_FILE)
def keygen(path: Path) -> None:
    """Write a new signing key to PATH, for its owner only, and the public key to PATH.pub."""
    private, public = generate_key()
    beside = path.with_name(f"{path.name}.pub")
    try:
        for file, content, mode in ((path, private, 0o600), (beside, public, 0o644)):
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
                opened.write(content)
    except FileExistsError as error:
        raise _Fault(f"{error.filename}: is there already; a key is never overwritten") from None
    except OSError as error:
        raise _Fault(f"{error.filename}: cannot be written: {error.strerror}") from None
    click.echo(f"{path}: the signing key, to be kept secret\n{beside}: the public key {key_id(load_public_key(beside))}")


@audit.command("verify")
@_PATHS
@click.option("--public-key", "key_paths", multiple=True, type=_FILE, help="Check the checkpoints' signatures; may be given again.")
@click.option(
    "--head", "head_paths", multiple=True, type=_FILE, help="Where the chain is known to end (PATH.head is found by itself)."
)
@click.option("--excerpt", is_flag=True, help="The events may begin and end anywhere; only what is between counts.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdicts as JSON.")
@click.pass_context
def verify_command(
    context: click.Context,
    paths: tuple[Path, ...],
    key_paths: tuple[Path, ...],
    head_paths: tuple[Path, ...],
    *,
    excerpt: bool,
    as_json: bool,
) -> None:
    """Say whether the events in PATH... are as they were written, and all there: files of ours or exports, in any order.

    Exits 0 only if they are.
    """
    try:
        keys = [load_public_key(path) for path in key_paths]
    except SigningKeyError as error:
        raise _Fault(str(error)) from None
    heads = queries.heads(paths) + [head for path in head_paths for head in [_head(path)]]
    try:
        verdicts = verify(queries.read(paths, sys.stdin.buffer), keys, heads, excerpt=excerpt)
    except OSError as error:
        raise _Fault(f"{error.filename}: cannot be read: {error.strerror}") from None
    for verdict in verdicts:
        if as_json:
            click.echo(orjson.dumps(_verdict(verdict)).decode())
        else:
            _tell(verdict, has_key=bool(keys))
    context.exit(0 if all(verdict.is_intact for verdict in verdicts) else 1)


def _asks(command: Any) -> Any:
    """The filters that `query` and `stats` share."""
    options = [
        click.option("--tool", help="Calls of this tool."),
        click.option("--server", help="Of this server."),
        click.option("--method", help="Of this method."),
        click.option("--outcome", type=click.Choice(get_args(Outcome)), help="That ended so."),
        click.option("--user", "--causer", help="Caused by this user, as events write it (`sanitizer hash --fact user`)."),
        click.option("--session", help="Of this session, as events write it (`sanitizer hash --fact session`)."),
        click.option("--since", help="Not before: 24h, 7d, or a time (ISO 8601)."),
        click.option("--until", help="Before: the same."),
        click.option("--json", "as_json", is_flag=True, help="Write JSON."),
    ]
    for option in reversed(options):
        command = option(command)
    return _PATHS(command)


@audit.command("query")
@_asks
@click.option("--type", type=click.Choice(get_args(EventType)), help="Of this type.")
@click.option(
    "--fingerprint", help="Of the credential with this fingerprint, or one that begins so (`sanitizer hash --credential`)."
)
@click.option("--params-hash", help="With these params, or a hash that begins so (`sanitizer hash`).")
@click.option("--rule", help="Found by this rule.")
@click.option("--limit", type=click.IntRange(min=1), help="The last so many.")
@click.option("--view", type=click.Choice(list(VIEWS)), help="Write each event as one line in this view.")
def query_command(paths: tuple[Path, ...], *, as_json: bool, limit: int | None, view: str | None, **asked: str | None) -> None:
    """Show the events in PATH... that were asked for, oldest first."""
    found = list(_select(paths, asked))
    found.sort(key=lambda item: (item[1].get("time", ""), item[1].get("seq", 0)))
    shown = found[-limit:] if limit else found
    if as_json or view:
        for line, _ in shown:
            click.echo(render(view or "native", line))
        return
    columns = ("time", "type", "server", "method", "target", "outcome", "latency_ms", "user")
    _table(columns, [[str(_cell(event, column)) for column in columns] for _, event in shown])


@audit.command("stats")
@_asks
@click.option(
    "--by",
    type=click.Choice(AuditEvent.__struct_fields__),
    default="tool",
    show_default=True,
    metavar="FIELD",
    help="Group by this field: tool, server, method, user, client_name ...",
)
def stats_command(paths: tuple[Path, ...], *, as_json: bool, by: str, **asked: str | None) -> None:
    """Count calls, outcomes and latencies in PATH... by tool."""
    groups = queries.grouped((event for _, event in _select(paths, asked)), by)
    if as_json:
        click.echo(orjson.dumps({name: group.summary() for name, group in groups.items()}).decode())
        return
    rows = []
    for name, group in groups.items():
        told = group.summary()
        latencies = [f"{value:.1f}" if value is not None else "-" for value in told["latency_ms"].values()]
        outcomes = " ".join(f"{outcome}={count}" for outcome, count in told["outcomes"].items())
        rows.append([name or "-", str(group.calls), *latencies, outcomes])
    _table((by, "calls", "p50 ms", "p90 ms", "p99 ms", "max ms", "outcomes"), rows)


@click.command("hash")
@click.argument("params")
@click.option("--tool", is_flag=True, help="PARAMS are the arguments of a tool call, whatever they look like.")
@click.option("--key-file", type=_FILE, help=f"The hash keys; else ${ENVIRONMENT_NAME}.")
@click.option("--key-id", help="Hash with this key instead of the active one, to look up an old call.")
@click.option("--plain", is_flag=True, help="SHA-256 without a key.")
@click.option(
    "--fact",
    type=click.Choice([*get_args(FactName), "session"]),
    help="PARAMS is a user, a project, a session ...: its pseudonym in the trail.",
)
@click.option("--credential", is_flag=True, help="PARAMS is a token, a password ...: its fingerprint in the trail. Better `-`.")
def hash_command(
    params: str, *, tool: bool, key_file: Path | None, key_id: str | None, plain: bool, fact: str | None, credential: bool
) -> None:
    """The hash under which a call with these PARAMS (JSON; `-` reads standard input) is logged."""
    text = sys.stdin.buffer.read() if params == "-" else params.encode("utf-8", "surrogateescape")
    try:
        if fact:
            keyring = _keyring(key_file, key_id)
            click.echo(pseudonym(keyring, fact, text.removesuffix(b"\n").decode("utf-8", "surrogateescape")))
        elif credential:
            click.echo(_keyring(key_file, key_id).digest(text.removesuffix(b"\n")))
        elif plain:
            click.echo(plain_hash(_covered(text, tool=tool)))
        else:
            click.echo(_keyring(key_file, key_id).params_hash(_covered(text, tool=tool)))
    except HashKeyError as error:
        raise _Fault(str(error)) from None


def _covered(text: bytes, *, tool: bool) -> object:
    """What is hashed of the params that *text* is."""
    try:
        value = parse(text)
    except UnreadableError:
        raise _Fault("the params are no JSON; quote them for the shell, or give `-` and send them to standard input") from None
    return value if tool else subject("", value)


def _keyring(key_file: Path | None, key_id: str | None) -> Keyring:
    keyring = Keyring.load(key_file)
    if keyring.is_ephemeral:
        raise _Fault(f"there is no hash key to look a call up with: set {ENVIRONMENT_NAME} or give --key-file, or --plain")
    return keyring if key_id is None else keyring.using(key_id)


def _select(paths: tuple[Path, ...], asked: dict[str, str | None]) -> Any:
    wanted = {name: value for name, value in asked.items() if value}
    for name in ("since", "until"):
        if name in wanted:
            try:
                wanted[name] = queries.moment(wanted[name])
            except ValueError:
                raise _Fault(f"--{name} {wanted[name]}: neither a time (2026-01-31T12:00:00Z) nor a span (24h, 7d)") from None
    try:
        yield from queries.select(queries.read(paths, sys.stdin.buffer), queries.Filter(**wanted))
    except OSError as error:
        raise _Fault(f"{error.filename}: cannot be read: {error.strerror}") from None


def _head(path: Path) -> Any:
    from sanitizer.audit.chain import HeadFile  # noqa: PLC0415 - one use

    if (head := HeadFile(path).load_head()) is None:
        raise _Fault(f"{path}: holds no head of a chain")
    return head


def _verdict(verdict: Verdict) -> dict[str, Any]:
    faults = [{"kind": fault.kind, "seq": fault.seq, "detail": fault.detail} for fault in verdict.faults]
    fields = {name: getattr(verdict, name) for name in _TOLD}
    return {"intact": verdict.is_intact, **fields, "faults": faults}


def _tell(verdict: Verdict, *, has_key: bool) -> None:
    name = f"chain {verdict.chain}: " if verdict.chain else ""
    twice = f", {verdict.duplicates} of them twice" if verdict.duplicates else ""
    twice += f", {verdict.displaced} out of order" if verdict.displaced else ""
    if verdict.is_intact:
        click.echo(f"{name}intact up to sequence {verdict.last} ({verdict.events} events from {verdict.first}{twice})")
    else:
        click.echo(f"{name}NOT intact; nothing wrong up to sequence {verdict.intact_to} ({verdict.events} events{twice})")
        for fault in verdict.faults:
            click.echo(f"  {fault.kind}: {fault.detail}")
    if 1 < verdict.first <= verdict.retired_to + 1:
        click.echo(f"  1 to {verdict.first - 1} were deleted when their time had come, as the trail says")
    if has_key:
        click.echo(f"  signed up to sequence {verdict.signed_to}")
    else:
        click.echo("  the chain only: without --public-key nobody can tell whether it was written anew from some event on")


def _cell(event: dict[str, Any], column: str) -> object:
    if column == "target":
        return event.get("tool") or event.get("prompt") or event.get("uri") or event.get("rule") or event.get("reason") or "-"
    if column == "outcome" and "count" in event:
        return f"{event['count']}x {str(event.get('fingerprint', ''))[:_SHOWN_DIGITS]}".rstrip()
    return event.get(column, "-")


def _table(header: tuple[str, ...], rows: list[list[str]]) -> None:
    widths = [max(len(row[index]) for row in [list(header), *rows]) for index in range(len(header))]
    for row in [list(header), *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
