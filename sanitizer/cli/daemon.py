"""The commands around a configuration: `validate`, `schema`, `deadletters`."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sanitizer.pipeline.state import DeadLetter, State
    from sanitizer.service.config import Config

_PORTION = 500

config_option = click.option("--config", "path", required=True, help="The configuration file, TOML or YAML.")
sink_option = click.option("--sink", help="Only those of this sink.")


@click.command()
@click.argument("path")
def validate(path: str) -> None:
    """Check the configuration in PATH, its rules and keys; every fault is told. Exit code 2 when there is one."""
    from sanitizer.service.config import ConfigError, check  # noqa: PLC0415 - each command pays for what it needs

    config = _load(path)
    if faults := check(config):
        click.echo(str(ConfigError(path, faults)), err=True)
        sys.exit(2)
    click.echo(f"{path}: {len(config.sources)} source(s), {len(config.sinks)} sink(s), no faults")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    import orjson  # noqa: PLC0415

    from sanitizer.service.config import schema as make  # noqa: PLC0415

    click.echo(orjson.dumps(make(), option=orjson.OPT_INDENT_2).decode())


@click.group()
def deadletters() -> None:
    """Records that a sink will never take: what they are, why, and what to do with them."""


@deadletters.command("list")
@config_option
@sink_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the redacted record.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the oldest first.")
def list_letters(path: str, sink: str | None, as_json: bool, limit: int | None) -> None:
    """Show dead letters, the oldest first."""
    import orjson  # noqa: PLC0415

    with _state(path, sink) as (_, state):
        for number, letter in enumerate(state.dead_letters(sink)):
            if limit is not None and number >= limit:
                break
            at = datetime.fromtimestamp(letter.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
            record = bytes(letter.record).decode(errors="replace")
            if as_json:
                facts = letter._asdict() | {"at": at, "record": record}
                click.echo(orjson.dumps(facts).decode())
            else:
                click.echo(f"{letter.id:>8}  {at}  {letter.sink:<12}  {letter.reason}\n          {record[:160]}")


@deadletters.command()
@config_option
@sink_option
def replay(path: str, sink: str | None) -> None:
    """Send dead letters to their sinks again; what is taken is deleted here. Exit code 1 when some are left."""
    left = asyncio.run(_replay(path, sink))
    for name, number in sorted(left.items()):
        click.echo(f"{name}: {number} left", err=True)
    sys.exit(1 if left else 0)


@deadletters.command()
@config_option
@sink_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(path: str, sink: str | None, yes: bool) -> None:
    """Delete dead letters for good."""
    with _state(path, sink) as (_, state):
        ids = [letter.id for letter in state.dead_letters(sink)]
        if not ids:
            click.echo("there are none")
            return
        if not yes:
            click.confirm(f"Delete {len(ids)} dead letter(s)?", abort=True)
        for start in range(0, len(ids), _PORTION):
            state.purge(ids[start : start + _PORTION])
        click.echo(f"{len(ids)} deleted")


def _load(path: str) -> Config:
    from sanitizer.service.config import ConfigError, load  # noqa: PLC0415

    try:
        return load(path)
    except ConfigError as trouble:
        click.echo(str(trouble), err=True)
        sys.exit(2)


@contextmanager
def _state(path: str, sink: str | None) -> Iterator[tuple[Config, State]]:
    """The state of the configuration at *path*, beside whoever runs it; *sink*, where given, is one that is there or was."""
    from sanitizer.pipeline.state import State, StateError  # noqa: PLC0415
    from sanitizer.service.config import state_folder  # noqa: PLC0415
    from sanitizer.service.settings import sink_names  # noqa: PLC0415 - as above

    config = _load(path)
    try:
        state = State(state_folder(config, path), exclusive=False)
    except StateError as trouble:
        click.echo(str(trouble), err=True)
        sys.exit(2)
    try:
        names = sink_names(config)
        if sink and sink not in names and not any(True for _ in state.dead_letters(sink)):
            raise click.UsageError(f"--sink: none is called {sink!r}; there are {', '.join(names)}")
        yield config, state
    finally:
        state.close()


async def _replay(path: str, only: str | None) -> Counter[str]:
    """How many dead letters of each sink were not taken."""
    from sanitizer.service.settings import sink_names  # noqa: PLC0415 - as above

    left: Counter[str] = Counter()
    with _state(path, only) as (config, state):
        sinks = dict(zip(sink_names(config), config.sinks, strict=True))
        by_sink: dict[str, list[DeadLetter]] = {}
        for letter in state.dead_letters(only):
            by_sink.setdefault(letter.sink, []).append(letter)
        for name, letters in by_sink.items():
            if name not in sinks:
                left[name] += len(letters)
                continue
            async with sinks[name].open() as sink:
                for start in range(0, len(letters), _PORTION):
                    portion = letters[start : start + _PORTION]
                    taken = await _send(sink, portion)
                    state.purge([portion[index].id for index in taken])
                    left[name] += len(portion) - len(taken)
    return +left


async def _send(sink: object, letters: list[DeadLetter]) -> list[int]:
    """Indexes of those that *sink* took. Each is a batch of its own, since they need not belong together."""
    from sanitizer.model import CleanBatch, Retry, TooLarge  # noqa: PLC0415

    taken = []
    for index, letter in enumerate(letters):
        kind = "audit" if letter.kind == "audit" else "logs"
        at = letter.position
        batch = CleanBatch(letter.lane, [letter.record], [at], at, kind=kind, rules=letter.rules)  # type: ignore[arg-type] # one of its kinds
        if not letter.record:
            continue  # a note that some record was refused: nothing to send
        try:
            receipt = await sink.send(batch)  # type: ignore[attr-defined]
        except (Retry, TooLarge, OSError):
            continue
        if not (receipt.rejected or receipt.pending or receipt.unnamed):
            taken.append(index)
    return taken
