"""What a listener is made of: with options of the command line alone, or with a configuration's sinks, audit and spool."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sanitizer.audit.trailfile import TrailFile
from sanitizer.model import CleanBatch
from sanitizer.pipeline.loop import Pipeline
from sanitizer.process.ownlog import tell_trouble
from sanitizer.protocol.params import Params
from sanitizer.proxy.copies import Ends
from sanitizer.proxy.listener import CopiesSource, Hearing, Trail, guard
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.rotation import follow_keys
from sanitizer.service.console import Console

if TYPE_CHECKING:
    from sanitizer.redaction.scrub import Scrubber
    from sanitizer.service.flow import Flow
    from sanitizer.service.settings import Config

_log = logging.getLogger(__name__)

_CONSOLE_SECS = 2.0
_DRAIN_SECS = 5.0
_TICK_SECS = 1.0
_INSTANCES = 64
_STDERR = 2
_KILLED = "the process that passes bytes on was killed: the last lines and calls, which it held, are lost"


def open_trail(path: str, name: str, keep_secs: float | None = None) -> TrailFile:
    """The audit file at *path*; where another process writes to it, the first free of `STEM.2.SUFFIX`, `STEM.3.SUFFIX` ..."""
    from sanitizer.audit.chain import Signer  # noqa: PLC0415
    from sanitizer.audit.ledger import Ledger, LedgerError  # noqa: PLC0415

    asked = Path(path)
    for number in range(1, _INSTANCES):
        wanted = asked if number == 1 else asked.with_name(f"{asked.stem}.{number}{asked.suffix}")
        try:
            return TrailFile(Ledger(wanted), Signer.load(), name, "stdio", keep_secs=keep_secs, trouble=tell_trouble)
        except LedgerError as trouble:
            if "another process" not in str(trouble) or number == _INSTANCES - 1:
                raise
            _log.warning("another process writes to %s; this server's calls go to a file beside it", path)
    raise AssertionError


def run(ends: Ends, shown: Lanes, trail: TrailFile | None) -> None:
    """Listen with nothing but standard error and, maybe, an audit file to write to."""
    ends.begin(wants_calls=trail is not None)
    asyncio.run(_run(ends, shown, trail))


async def _run(ends: Ends, shown: Lanes, trail: TrailFile | None) -> None:
    async with AsyncExitStack() as stack:
        watching = asyncio.create_task(guard(ends.life, lambda: _tell_of_kill(trail)))
        stack.callback(watching.cancel)
        drops: Counter[str] = Counter()

        def dropped(number: int) -> None:
            _log.error("%d lines for standard error were dropped: nobody reads it", number)
            drops["standard error is not read"] += number

        show = stack.enter_context(_Shown(dropped))
        hearing = Hearing(shown, show.take, None, _params(shown), trail)
        ticking = asyncio.create_task(_tick(trail, drops))
        stack.callback(ticking.cancel)
        following = asyncio.create_task(follow_keys([shown], lambda: hearing.use(_params(shown))))
        stack.callback(following.cancel)
        await Pipeline([CopiesSource(ends.channel)], hearing, commit_secs=0.0).run()
        await show.finish()
        if trail:
            _tell(trail, drops)
            trail.close()


async def _tick(trail: TrailFile | None, drops: Counter[str]) -> None:
    while trail:
        await asyncio.sleep(_TICK_SECS)
        trail.tick()
        _tell(trail, drops)


def _tell(trail: Trail, drops: Counter[str]) -> list[CleanBatch]:
    told = [batch for reason, number in drops.items() for batch in trail.dropped(reason, number)]
    drops.clear()
    return told


def _tell_of_kill(trail: Trail | None) -> None:
    """Say that something is missing; how much, nobody knows."""
    _log.error(_KILLED)
    if trail:
        trail.dropped(_KILLED, 0)


class _Shown:
    """The console, and the task that writes to it."""

    def __init__(self, dropped: Callable[[int], None], max_bytes: int = 256 << 20) -> None:
        home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        self.console = Console(_STDERR, Path(home) / "mcp-log-sanitizer/exec" / str(os.getpid()), dropped, max_bytes)

    def __enter__(self) -> _Shown:
        self._task = asyncio.create_task(self.console.run())
        return self

    def __exit__(self, *_: object) -> None:
        self._task.cancel()

    def take(self, batch: CleanBatch) -> None:
        """Show *batch*, now or later."""
        self.console.deliver(batch)

    async def finish(self) -> None:
        """Write what waits, if that is possible in time."""
        self.console.close()
        await asyncio.wait([self._task], timeout=_CONSOLE_SECS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.console.give_up()


def _params(lanes: Lanes) -> Params:
    scrubber = lanes.scrubber
    return Params(scrubber.keyring, scrubber.redactor.text, plain=scrubber.options.plain_hash, facts=scrubber.options.facts)


async def run_flow(ends: Ends, config: Config, folder: Path) -> None:
    """Listen with the sinks, the audit and the spool of *config*, whose state is kept in *folder*."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        flow = await _open_flow(stack, config, folder)
        shown = Lanes(_text_scrubber(config, flow), wrapper=config.wrapper, max_record_bytes=config.max_record_bytes)
        ends.begin(wants_calls=flow.trail is not None)
        watching = asyncio.create_task(guard(ends.life, lambda: _tell_of_kill(flow.trail)))
        stack.callback(watching.cancel)
        show = stack.enter_context(_Shown(lambda number: flow.dropped("standard error", number), config.spool.max_bytes))

        def ended() -> None:
            loop.call_later(config.drain_secs * 0.8, flow.hurry)

        hearing = Hearing(shown, show.take, flow.lanes, _params(shown), flow.trail)
        following = asyncio.create_task(follow_keys([shown, flow.lanes], lambda: hearing.use(_params(shown))))
        stack.callback(following.cancel)
        flow.pipeline.scrubbing = hearing
        flow.pipeline.sources = [CopiesSource(ends.channel, ended)]
        await flow.run(show.finish)


def _text_scrubber(config: Config, flow: Flow) -> Scrubber:
    """The same redaction with the same keys, but text stays text."""
    from sanitizer.service.flow import scrubber  # noqa: PLC0415

    plain = msgspec.structs.replace(config, format="raw", annotate=False, audit=None, sinks=())
    return scrubber(plain, flow.lanes.scrubber.keyring)


async def _open_flow(stack: AsyncExitStack, config: Config, folder: Path) -> Flow:
    """One process uses a folder of state at a time: a second instance of a server has its own."""
    from sanitizer.pipeline.state import StateError  # noqa: PLC0415
    from sanitizer.service.flow import Flow  # noqa: PLC0415
    from sanitizer.service.telemetry import Metrics  # noqa: PLC0415

    for number in range(1, _INSTANCES):
        own = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            return await stack.enter_async_context(Flow(config, own, Metrics(), transport="stdio"))
        except StateError as trouble:
            if "another process" not in str(trouble) or number == _INSTANCES - 1:
                raise
    raise AssertionError


def prepared(config: Config, name: str, audit_file: str | None) -> Config:
    """*config* for a wrapped server: what comes cannot be read again, must not be waited for, and is named *name*."""
    from sanitizer.audit.options import Audit  # noqa: PLC0415
    from sanitizer.sources import StdinConfig  # noqa: PLC0415

    audit = config.audit
    if audit_file:
        audit = msgspec.structs.replace(audit or Audit(), file=audit_file)
    if audit is None and any("audit" in sink.receives for sink in config.sinks):
        audit = Audit()
    if audit and name:
        audit = msgspec.structs.replace(audit, server=name)
    return msgspec.structs.replace(
        config,
        sources=(StdinConfig(name="stderr"),),
        audit=audit,
        delivery="at_least_once",
        drain_secs=min(config.drain_secs, _DRAIN_SECS),
        admin=None,
        workers=1,
    )


def folder_of(base: Path, name: str) -> Path:
    """Where the state of the wrapped server *name* is kept, below the configuration's own."""
    return base / f"exec-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}"
