"""What a configuration asks for, opened and joined: sources, redaction, audit, sinks. A new configuration changes it in place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from sanitizer.audit.lane_trails import LaneTrails
from sanitizer.hashing import Keyring
from sanitizer.model import CleanBatch, Source
from sanitizer.pipeline.commits import Hook
from sanitizer.pipeline.filter import receiver
from sanitizer.pipeline.loop import Pipeline
from sanitizer.pipeline.spill import WhenFull
from sanitizer.pipeline.state import State
from sanitizer.process.ownlog import clean_names
from sanitizer.protocol.mcp import Transport
from sanitizer.redaction.lanes import Lanes, no_audit
from sanitizer.redaction.names import Names
from sanitizer.redaction.scrub import Options, Scrubber
from sanitizer.redaction.workers import WorkerLanes
from sanitizer.rulesets.cache import compiled
from sanitizer.service.outlets import Outlets
from sanitizer.service.settings import Config, sink_names
from sanitizer.service.telemetry import Metrics
from sanitizer.service.trails import is_sent, open_trail, wants_audit
from sanitizer.sources import SourceConfig, StdinConfig
from sanitizer.sources.options import Reading

_log = logging.getLogger(__name__)

_SPOOL_SHARE = 0.8
"""How much of `drain_secs` may go into emptying the spools."""


@dataclass
class OpenSource:
    """A source in use, and what stops it."""

    config: SourceConfig
    source: Source
    stop: asyncio.Event


class Flow:
    """One pipeline for as long as the process lives; `async with` opens and closes its parts."""

    def __init__(self, config: Config, folder: Path, metrics: Metrics, *, once: bool = False, transport: Transport = "log") -> None:
        self.config = config
        self._transport: Transport = transport
        self._folder = folder
        self._metrics = metrics
        self._once = once
        self._stack = AsyncExitStack()
        self._stopping = False
        self._drops: Counter[str] = Counter()
        self._sources: dict[str, OpenSource] = {}

    async def __aenter__(self) -> Flow:
        config = self.config
        async with AsyncExitStack() as stack:
            self.state = State(self._folder)
            stack.callback(self.state.close)
            self.outlets = Outlets(self._folder / "spool", self.state, self._metrics, self._when_full, self.dropped)
            self.trail = open_trail(config, self.state, self._folder / "audit", self._transport)
            if self.trail:
                stack.callback(self.trail.close)
                await self._flush_state()
            self.lanes = self._open_lanes(stack)
            self.pipeline = Pipeline(
                [],
                self.lanes,
                deliver=[],
                observer=self._metrics,
                hold_secs=config.hold_secs,
                commit_secs=config.commit_secs,
                durable=[self.outlets.sync, self._sync_trail],
                committed=[self._flush_state],
                commit_audit=self.trail.committed if self.trail else None,
            )
            if config.delivery == "exactly_once":
                await self._open_transactions(stack)
            else:
                stack.push_async_callback(self.outlets.close)
                await self.outlets.change(config, never_stops=_never_stops(config))
                self.pipeline.deliver = self.outlets.deliver
                for source in config.sources:
                    await self._open_source(stack, source)
            self.pipeline.sources = [opened.source for opened in self._sources.values()]
            self._metrics.gauge("spool_bytes", self.outlets.waiting)
            self._metrics.gauge("lag", self._lag)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.outlets.close()
        try:
            await self._flush_state()
        finally:
            await self._stack.aclose()

    async def run(self, redacted: Hook | None = None) -> None:
        """Read until every source has ended, and deliver all of it; raises what a part raised.

        *redacted* is awaited when nothing is left to be redacted. What the spools hold is delivered too: all of it when reading
        once, else as much as `drain_secs` allow.
        """
        ticking = asyncio.create_task(self._tick_forever())
        try:
            await self.pipeline.run()
            if redacted:
                await redacted()
            if self.trail:
                last = [*await self._told_drops()]
                self.trail.finish()
                while last := [*last, *await self.trail.due()]:
                    await self.pipeline.deliver_last(last)
                    last.clear()
            secs = 0.0 if self._stopping else None if self._once else self.config.drain_secs * _SPOOL_SHARE
            with suppress(TimeoutError):
                async with asyncio.timeout(secs):
                    await asyncio.gather(*[delivery.drained(spool=True) for delivery in self.outlets.deliveries])
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    def stop(self) -> None:
        """Let every source read what is there now, and end."""
        self._stopping = True
        for opened in self._sources.values():
            opened.stop.set()

    def hurry(self) -> None:
        """Read no more, and put into the spool what cannot be sent at once."""
        self.pipeline.stop_reading()
        for delivery in self.outlets.deliveries:
            delivery.hurry()

    def status(self) -> Mapping[str, str]:
        """What the status page says."""
        return {"rules": self.lanes.scrubber.digest, **self.outlets.status()}

    async def change(self, config: Config) -> list[str]:
        """Use *config* from the next batch on; the keys that need a restart first. Raises what opening a part raises, with
        everything as it was."""
        made = await asyncio.to_thread(scrubber, config, self.lanes.scrubber.keyring)
        needing = [
            key
            for key in ("state_dir", "audit", "delivery", "workers", "admin", "telemetry", "wrapper", "max_record_bytes", "spool")
            if getattr(config, key) != getattr(self.config, key)
        ]
        if self.config.delivery == "exactly_once":
            needing += [key for key in ("sources", "sinks") if getattr(config, key) != getattr(self.config, key)]
        else:
            await self.outlets.change(config, never_stops=_never_stops(config))
            self.pipeline.deliver = self.outlets.deliver
            await self._change_sources(config.sources)
        if isinstance(self.lanes, WorkerLanes):
            self.lanes.use(made)
        else:
            self.lanes.scrubber = made
        self.pipeline.hold_secs, self.pipeline.commit_secs = config.hold_secs, config.commit_secs
        self.config = config
        if self.trail:
            self.trail.is_read_by_sinks = is_sent(config)
        return needing

    async def _change_sources(self, wanted: Sequence[SourceConfig]) -> None:
        for name, opened in list(self._sources.items()):
            if opened.config not in wanted:
                opened.stop.set()
                del self._sources[name]
        for source in wanted:
            if all(opened.config != source for opened in self._sources.values()):
                opened = await self._open_source(self._stack, source)
                self.pipeline.add(opened.source)

    async def _open_source(self, stack: AsyncExitStack, config: SourceConfig) -> OpenSource:
        stop = asyncio.Event()
        reading = Reading(stop, self._once, self.state, lambda name, number: self._metrics.add(name, "", number))
        opened = OpenSource(config, await stack.enter_async_context(config.open(reading)), stop)
        self._sources[config.name or f"{config.__struct_config__.tag}-{len(self._sources)}-{time.monotonic_ns()}"] = opened
        await self._flush_state()  # what its lanes are named by, so that they have the same names after a crash
        return opened

    async def _open_transactions(self, stack: AsyncExitStack) -> None:
        from sanitizer.pipeline.transactions import Target, Transactions  # noqa: PLC0415 - only who uses Kafka pays for its client
        from sinks.kafka.config import KafkaSinkConfig  # noqa: PLC0415
        from sinks.kafka.messages import Encoder  # noqa: PLC0415
        from sinks.kafka.producer import producer_arguments  # noqa: PLC0415

        sinks = [sink for sink in self.config.sinks if isinstance(sink, KafkaSinkConfig)]
        named = zip(sink_names(self.config), sinks, strict=True)
        targets = [Target(name, Encoder(sink), receiver(sink)) for name, sink in named]
        transactions = await stack.enter_async_context(
            Transactions(
                group_id=self.config.sources[0].group_id,  # type: ignore[union-attr]  # `guarantee` has seen to it
                targets=targets,
                producer_arguments=producer_arguments(sinks[0]),
                dead_letters=self.state,
                heads=self.trail if isinstance(self.trail, LaneTrails) else None,
                count=self._metrics.add,
            )
        )
        opened = await self._open_source(stack, self.config.sources[0])
        transactions.attach(opened.source.group)  # type: ignore[attr-defined]
        self.pipeline.transactional = transactions

    def _open_lanes(self, stack: AsyncExitStack) -> Lanes:
        config, audit = self.config, self.trail or no_audit
        if config.workers == 1:
            return Lanes(scrubber(config), wrapper=config.wrapper, max_record_bytes=config.max_record_bytes, audit=audit)
        lanes = WorkerLanes(
            scrubber(config), config.workers, wrapper=config.wrapper, max_record_bytes=config.max_record_bytes, audit=audit
        )
        stack.push_async_callback(lanes.close)
        return lanes

    def _when_full(self, lane: str) -> WhenFull:
        for source in self.config.sources:
            if isinstance(source, StdinConfig) and lane.startswith(f"{source.name or 'stdin'}:"):
                return "block" if source.when_full == "spool" else source.when_full
        return "block"

    def dropped(self, name: str, number: int) -> None:
        """Say, and have the audit trail say, that *number* records for *name* were dropped."""
        _log.error("%d records for %s were dropped: the spool is full", number, name)
        self._drops[name] += number

    async def _told_drops(self) -> Sequence[CleanBatch]:
        """Audit events of what was dropped since the last call."""
        drops, self._drops = self._drops, Counter()
        trail = self.trail
        return [batch for name, number in drops.items() if trail for batch in trail.dropped(f"the spool of {name} is full", number)]

    async def _sync_trail(self) -> None:
        if self.trail:
            await self.trail.sync()

    async def _flush_state(self) -> None:
        try:
            await self.state.flush()
        except OSError as trouble:
            _log.error("positions could not be saved (%s); they are saved with the next batch", trouble)

    async def _tick_forever(self) -> None:
        while self.trail:
            await asyncio.sleep(1.0)
            self.pipeline.inject(self._told_drops())
            self.pipeline.inject(self.trail.tick())

    def _lag(self) -> Mapping[str, float]:
        lags: dict[str, float] = {}
        for opened in self._sources.values():
            if lag := getattr(opened.source, "lag", None):
                lags |= lag()
        return lags


def _never_stops(config: Config) -> bool:
    return any(isinstance(source, StdinConfig) and source.when_full != "block" for source in config.sources)


def scrubber(config: Config, keyring: Keyring | None = None) -> Scrubber:
    """The redaction that *config* asks for. Raises `RuleError` and `HashKeyError`.

    A random key lives as long as the process: *keyring* is kept where the configuration names no other.
    """
    params = config.params
    options = Options(
        format=config.format,
        annotate=config.annotate,
        audit=wants_audit(config),
        params=params.mode,
        params_by_method=params.by_method,
        params_by_tool=params.by_tool,
        plain_hash=params.plain_hash,
        facts=config.audit.facts if config.audit else None,
    )
    loaded = Keyring.load(config.hash_key_file)
    if keyring and keyring.is_ephemeral and loaded.is_ephemeral:
        loaded = keyring
    rules = compiled(config.rules)
    clean_names(Names(rules, loaded).clean)
    return Scrubber(rules, loaded, options)
