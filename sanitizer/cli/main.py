"""The command line: the composition root. What a command needs is imported when it runs, so that the plain pipe starts fast."""

from __future__ import annotations

import importlib
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from sanitizer.cli.ending import fail
from sanitizer.cli.inputs import inputs, keep_apart, progress
from sanitizer.cli.trail_options import audit_options, fact_paths, keep_secs
from sanitizer.process.descriptors import hold_standard
from sanitizer.process.dumps import forbid_core_dumps, hide
from sanitizer.process.failures import withhold_texts
from sanitizer.process.garbage import look_seldom

if TYPE_CHECKING:
    from sanitizer.redaction.lanes import Lanes
    from sanitizer.rulesets.ruleset import Selection

LAZY = {
    "validate": "sanitizer.cli.daemon:validate",
    "schema": "sanitizer.cli.daemon:schema",
    "deadletters": "sanitizer.cli.daemon:deadletters",
    "audit": "sanitizer.cli.audit:audit",
    "hash": "sanitizer.cli.audit:hash_command",
    "exec": "sanitizer.cli.exec:exec_command",
    "wrap": "sanitizer.cli.exec:wrap",
    "rules": "sanitizer.cli.rules:rules",
    "scan": "sanitizer.cli.scan:scan",
    "demo": "sanitizer.cli.scan:demo",
}
HELP = {
    "validate": "Check a configuration file, and say every fault at once.",
    "schema": "Print the JSON Schema of configuration files.",
    "deadletters": "List, replay or purge what a sink refused.",
    "audit": "Make keys for the audit trail; verify, query and sum it up.",
    "hash": "Print the hash of these params, to look a call up.",
    "exec": "Run an MCP server with its stdio passed through, audited, and its stderr redacted.",
    "wrap": "Put every server of a client's configuration behind `exec`.",
    "rules": "List, show, check, import and explain rules.",
    "scan": "Say what would be redacted, and write nothing.",
    "demo": "Show a real log before and after.",
}


class Commands(click.Group):
    """Commands of which each is imported when it is called."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that was asked for; a full disk behind what it prints is no reason for a traceback."""
        try:
            return super().main(*args, **kwargs)
        except OSError as trouble:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Python would flush at exit has no room
            fail(f"{trouble.filename or 'standard output'}: {trouble.strerror}", 1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *LAZY})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in LAZY:
            module, _, name = LAZY[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, HELP.get(name) or (self.commands[name].get_short_help_str(100))) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mcp-log-sanitizer")
def main() -> None:
    """Redact the logs of MCP servers: nothing unredacted leaves, ever."""
    hold_standard()
    withhold_texts()
    look_seldom()
    if click.get_current_context().invoked_subcommand == "exec":
        hide()  # and no more: its server is to crash as without us
    else:
        forbid_core_dumps()


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose rules, the same for every command that redacts."""
    for option in reversed(
        (
            click.option(
                "--rules", "directories", multiple=True, metavar="DIR", help="Rules of your own: a folder or a file. Repeatable."
            ),
            click.option("--profile", type=click.Choice(["default", "strict"]), default="default", help="strict: every pack."),
            click.option("--pack", "packs", multiple=True, metavar="NAME", help="A further pack, such as national-ids or network."),
            click.option("--disable", multiple=True, metavar="ID", help="A rule that is not to be used. Repeatable."),
            click.option(
                "--action",
                "actions",
                multiple=True,
                metavar="ID=ACTION",
                help="Another action for a rule: mask, hash, partial, remove.",
            ),
            click.option(
                "--key-file", metavar="FILE", help="Hash keys (default: SANITIZER_HASH_KEY, else a random one for this run)."
            ),
        )
    ):
        command = option(command)
    return command


def selection(
    directories: Sequence[str], profile: str, packs: Sequence[str], disable: Sequence[str], actions: Sequence[str]
) -> Selection:
    """The rule selection of `rule_options`. Raises `click.UsageError`."""
    import msgspec  # noqa: PLC0415

    from sanitizer.rulesets.ruleset import Selection  # noqa: PLC0415

    pairs = [text.partition("=") for text in actions]
    try:
        return msgspec.convert(
            {
                "profile": profile,
                "packs": packs,
                "directories": directories,
                "disable": disable,
                "actions": {a: b for a, _, b in pairs},
            },
            Selection,
        )
    except msgspec.ValidationError as fault:
        raise click.UsageError(f"--action: {fault}; write ID=mask, ID=hash, ID=partial or ID=remove") from None


def given_options(context: click.Context, beside: Sequence[str]) -> list[str]:
    """The options of the command line that are none of *beside*, as they are spelled."""
    given = (context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE for option in context.command.params)
    return [
        option.opts[-1]
        for option, is_given in zip(context.command.params, given, strict=True)
        if is_given and option.name not in beside
    ]


@main.command()
@click.argument("files", nargs=-1, type=click.Path())
@click.option("-o", "--output", metavar="FILE", help="Write there instead of standard output (mode 0600).")
@click.option(
    "--format", "form", type=click.Choice(["ndjson", "raw"]), default="ndjson", help="raw: text stays text, a line for each line."
)
@click.option("--annotate", is_flag=True, help="Add the findings by kind to each record.")
@click.option(
    "--params",
    type=click.Choice(["hash", "sanitize", "shape", "remove"]),
    help="What becomes of params (default: hash; in raw: sanitize).",
)
@click.option("--plain-hash", is_flag=True, help="Hash params as sha256:HEX, without a key.")
@click.option(
    "--wrapper",
    type=click.Choice(["auto", "plain", "cri", "docker", "journald", "journald-export"]),
    default="auto",
    help="How lines are wrapped.",
)
@click.option("--max-record-bytes", type=click.IntRange(1024), default=1 << 20, help="A longer record is cut and marked.")
@click.option("--workers", type=click.IntRange(1), help="So many processes share the redaction (default: 1).")
@click.option(
    "--when-full",
    type=click.Choice(["spool", "drop_oldest", "drop_newest", "block"]),
    help="When standard input comes faster than the output takes it, records are kept on disk; when that spool is full: wait "
    "(spool, the default) or drop, counted. block: no spool, wait at once.",
)
@click.option("--spool-dir", metavar="DIR", type=click.Path(file_okay=False), help="Where (default: the user's state folder).")
@click.option("--spool-bytes", metavar="N", type=click.IntRange(1), help="How much of it, compressed (default: 1 GiB).")
@audit_options
@click.option("--stats", is_flag=True, help="End with a table on standard error.")
@click.option("--json", "as_json", is_flag=True, help="The table as JSON.")
@click.option("--config", metavar="FILE", help="Run a configuration file instead; see `sanitizer schema`.")
@click.option("--once", is_flag=True, help="With --config: end when everything is read and delivered.")
@rule_options
def run(files: tuple[str, ...], output: str | None, config: str | None, once: bool, **options: Any) -> None:
    """Redact standard input, or FILES one after another, and write clean records."""
    if config:
        if files or output:
            raise click.UsageError("--config says where records come from and go: leave out FILES and --output")
        if options["when_full"] or options["spool_dir"] or options["spool_bytes"]:
            raise click.UsageError("--config says what waits where: write `when_full` at its source, and [spool]")
        if unheard := given_options(click.get_current_context(), beside=("config", "once", "workers")):
            raise click.UsageError(f"--config says everything else: leave out {', '.join(unheard)}, or write it there")
        from sanitizer.service import daemon  # noqa: PLC0415

        sys.exit(daemon.run(config, once=once, workers=options["workers"]))
    from sanitizer.process.ownlog import log_briefly  # noqa: PLC0415
    from sanitizer.service import pipe  # noqa: PLC0415

    log_briefly()

    lanes = composed(form=options["form"], options=options)
    files = inputs(files)
    for written in (output or 1, options["audit_file"]):
        if written:
            keep_apart(written, files)
    counts = pipe.Counts()
    trail = audited(lanes, options["audit_file"], keep_secs(options["audit_keep"])) if options["audit_file"] else None
    try:
        out = _open_output(output) if output else 1
        spool = pathlib.Path(options["spool_dir"]) if options["spool_dir"] else None
        keeping = pipe.Keeping(options["when_full"] or "spool", spool, options["spool_bytes"] or 1 << 30)
        with progress(files, counts):
            code = pipe.run(lanes, files, out, counts, keeping, trail.dropped if trail else None)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Python would flush at exit has no reader
        code = 128 + signal.SIGPIPE
    except OSError as trouble:
        place = output or trouble.filename or "standard output"
        click.echo(f"sanitizer: {place}: {trouble.strerror}; the run was ended there", err=True)
        code = 1
    finally:
        if trail:
            trail.close()
    if options["stats"] or options["as_json"]:
        from sanitizer.cli.report import report  # noqa: PLC0415

        report(counts, lanes, as_json=options["as_json"])
    sys.exit(code)


def _open_output(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as trouble:
        fail(f"{path}: cannot be written: {trouble.strerror}")


def composed(form: str, options: dict[str, Any]) -> Lanes:
    """The redaction that *options* ask for, or the end of the program with the reason."""
    from sanitizer.hashing import HashKeyError, Keyring  # noqa: PLC0415
    from sanitizer.process.ownlog import clean_names  # noqa: PLC0415
    from sanitizer.redaction.lanes import Lanes  # noqa: PLC0415
    from sanitizer.redaction.names import Names  # noqa: PLC0415
    from sanitizer.redaction.scrub import Options, Scrubber  # noqa: PLC0415
    from sanitizer.rulesets.cache import compiled  # noqa: PLC0415
    from sanitizer.rulesets.ruleset import RuleError  # noqa: PLC0415

    chosen = selection(options["directories"], options["profile"], options["packs"], options["disable"], options["actions"])
    try:
        keyring = Keyring.load(options["key_file"])
        rules = compiled(chosen)
        clean_names(Names(rules, keyring).clean)
        scrubber = Scrubber(
            rules,
            keyring,
            Options(
                format=form,  # type: ignore[arg-type]  # click lets only these through
                annotate=options.get("annotate", False),
                audit=bool(options.get("audit_file")),
                params=options.get("params"),
                plain_hash=options.get("plain_hash", False),
                facts=fact_paths(options.get("facts", ()), options.get("kept", ())),
            ),
        )
    except (RuleError, HashKeyError) as fault:
        fail(fault)
    settings = {"wrapper": options.get("wrapper", "auto"), "max_record_bytes": options.get("max_record_bytes", 1 << 20)}
    if (options.get("workers") or 1) == 1:
        return Lanes(scrubber, **settings)
    from sanitizer.redaction.workers import WorkerLanes  # noqa: PLC0415 - paid for by who wants several

    return WorkerLanes(scrubber, options["workers"], **settings)


def audited(lanes: Lanes, path: str, keep_secs: float | None = None) -> Any:
    """Write the audit trail of what *lanes* scrub to *path*."""
    from sanitizer.audit.chain import Signer, SigningKeyError  # noqa: PLC0415
    from sanitizer.audit.ledger import Ledger, LedgerError  # noqa: PLC0415
    from sanitizer.audit.trailfile import TrailFile  # noqa: PLC0415
    from sanitizer.process.ownlog import tell_trouble  # noqa: PLC0415

    try:
        trail = TrailFile(Ledger(path), Signer.load(), keep_secs=keep_secs, trouble=tell_trouble)
    except (SigningKeyError, LedgerError, OSError) as fault:
        fail(fault)
    lanes.audit = trail
    return trail
