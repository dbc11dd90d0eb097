"""`sanitizer run --config`: signals, reload, exit codes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from sanitizer.audit.ledger import LedgerError
from sanitizer.hashing import HashKeyError
from sanitizer.pipeline.commits import NotDurableError
from sanitizer.pipeline.delivery import NotDeliveredError
from sanitizer.pipeline.state import StateError
from sanitizer.process.failures import describe
from sanitizer.process.ownlog import log_to_stderr
from sanitizer.rulesets.ruleset import RuleError
from sanitizer.service import config as configuration
from sanitizer.service.config import Config, ConfigError
from sanitizer.service.flow import Flow
from sanitizer.service.outlets import SinkError
from sanitizer.service.telemetry import Metrics

_log = logging.getLogger(__name__)

_LOOK_SECS = 1.0
_SPOOL_SHARE = 0.8
"""How much of `drain_secs` sending may take; the rest is for the spool."""


def run(path: str, *, once: bool = False, workers: int | None = None) -> int:
    """Run the configuration at *path* until told to stop, or with *once* until everything is read; the exit code. *workers* goes
    before what the configuration says."""
    log_to_stderr()
    given = None if workers is None else {"workers": workers}
    try:
        config = configuration.load(path, given=given)
        if faults := configuration.check(config):
            raise ConfigError(path, faults)
    except ConfigError as trouble:
        print(trouble, file=sys.stderr)  # noqa: T201 - for the person who started it
        return 2
    try:
        return asyncio.run(_run(config, Path(path), given, once=once))
    except (StateError, SinkError, LedgerError) as trouble:
        _log.error("%s", trouble)
        return 2
    except NotDeliveredError as trouble:
        _log.error("%s; what can be read again will be, by the next run", trouble)
    except NotDurableError as trouble:
        _log.error("not everything is on the disk (%s); what can be read again will be, by the next run", trouble)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Python would flush at exit has no reader
        return 128 + signal.SIGPIPE
    except Exception as failure:
        _log.critical("stopped by %s", describe(failure))
    return 1


async def _run(config: Config, path: Path, given: Mapping[str, object] | None, *, once: bool) -> int:
    metrics = Metrics()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report)
    async with AsyncExitStack() as stack:
        flow = await stack.enter_async_context(Flow(config, configuration.state_folder(config, path), metrics, once=once))
        if not flow.state.intact:
            _log.error("the saved state was damaged; it was put aside, and what could be read of it is used")
        if config.admin:
            from sanitizer.service.admin import serve  # noqa: PLC0415 - paid for by who asks for it

            await stack.enter_async_context(serve(config.admin, metrics, lambda: flow.outlets.ready, flow.status))
        if config.telemetry:
            from sanitizer.service.telemetry import Export  # noqa: PLC0415

            stack.callback(Export(metrics, config.telemetry).close)
        running = asyncio.create_task(flow.run())
        signals = _Signals(flow, running)
        reloader = _Reloader(flow, path, metrics, given)
        loop.add_signal_handler(signal.SIGHUP, reloader.hup)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signals.stop, number)
        watching = asyncio.create_task(reloader.watch())
        _log.info("started: %d source(s), %d sink(s), rules %s", len(config.sources), len(config.sinks), flow.lanes.scrubber.digest)
        try:
            await running
        except asyncio.CancelledError:
            raise NotDeliveredError(f"not everything was delivered within {flow.config.drain_secs:g} seconds") from None
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            signals.end()
    _log.info("ended: %s", _summary(metrics))
    return 0


class _Signals:
    """The first signal to stop drains; the second ends the process at once."""

    def __init__(self, flow: Flow, running: asyncio.Task[None]) -> None:
        self._flow = flow
        self._running = running
        self._deadlines: list[asyncio.TimerHandle] = []

    def stop(self, number: int) -> None:
        """Begin to drain."""
        if self._deadlines:
            os._exit(128 + number)
        self._flow.stop()
        loop, secs = asyncio.get_running_loop(), self._flow.config.drain_secs
        self._deadlines = [
            loop.call_later(secs * _SPOOL_SHARE, self._flow.hurry),
            loop.call_later(secs, self._running.cancel),
        ]

    def end(self) -> None:
        """Nothing is left to drain."""
        for deadline in self._deadlines:
            deadline.cancel()


class _Reloader:
    """Takes up a changed configuration, rules or keys, when told by SIGHUP and when the files change."""

    def __init__(self, flow: Flow, path: Path, metrics: Metrics, given: Mapping[str, object] | None) -> None:
        self._flow = flow
        self._path = path
        self._given = given
        self._metrics = metrics
        self._told = asyncio.Event()
        self._reopen = False

    def hup(self) -> None:
        """SIGHUP: files of sinks were moved, or the configuration was changed."""
        self._reopen = True
        self._told.set()

    async def watch(self) -> None:
        """Look once a second; a ConfigMap is swapped by renaming a symbolic link, which this sees as any other change."""
        seen = await asyncio.to_thread(self._stamp)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _LOOK_SECS)
            told = self._told.is_set()
            self._told.clear()
            if self._reopen:
                self._reopen = False
                await self._flow.outlets.reopen()
            stamp = await asyncio.to_thread(self._stamp)
            if told or stamp != seen:
                seen = stamp
                await self._reload()

    async def _reload(self) -> None:
        try:
            config = await asyncio.to_thread(configuration.load, self._path, given=self._given)
            if faults := await asyncio.to_thread(configuration.check, config):
                raise ConfigError(str(self._path), faults)
            needing = await self._flow.change(config)
        except ConfigError as trouble:
            self._metrics.add("reloads", "refused", 1)
            _log.error("the changed configuration is refused, the one before stays in force:\n%s", trouble)
        except (SinkError, RuleError, HashKeyError, OSError) as trouble:
            self._metrics.add("reloads", "refused", 1)
            told = describe(trouble) if isinstance(trouble, OSError) else trouble
            _log.error("the changed configuration is not wholly in force: %s", told)
        else:
            self._metrics.add("reloads", "done", 1)
            _log.info("reloaded; rules %s are in force", self._flow.lanes.scrubber.digest)
            if needing:
                _log.warning("takes effect after a restart: %s", ", ".join(needing))

    def _stamp(self) -> tuple[object, ...]:
        config = self._flow.config
        paths = [self._path, *(Path(config.hash_key_file or os.devnull),)]
        for folder in config.rules.directories:
            paths += [Path(folder), *sorted(Path(folder).glob("*.toml"))]
        return tuple(_status(path) for path in paths)


def _status(path: Path) -> tuple[object, ...]:
    try:
        status = path.stat()
    except OSError:
        return (path, None)
    return (path, status.st_ino, status.st_size, status.st_mtime_ns)


def _summary(metrics: Metrics) -> str:
    total = metrics.total
    left = f", {total('fenced')} left to other members of the group" if total("fenced") else ""
    return (
        f"{total('read_records')} records read, {total('delivered')} delivered, {total('withheld')} withheld, "
        f"{total('dead_lettered')} dead-lettered, {total('dropped')} dropped{left}"
    )


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    failure = context.get("exception")
    _log.error("%s", describe(failure) if failure else "an internal error")
