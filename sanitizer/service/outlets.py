"""The sinks in use, each with its delivery and, where it has one, its spool; changed in place by a new configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sanitizer.pipeline.delivery import Delivery
from sanitizer.pipeline.loop import Deliver
from sanitizer.pipeline.sender import DeadLetters
from sanitizer.pipeline.spill import Spill, WhenFull
from sanitizer.pipeline.spool import Spool
from sanitizer.service.settings import Config, sink_names
from sanitizer.service.telemetry import Metrics
from sinks import SinkConfig


class SinkError(Exception):
    """Raised when a sink cannot be opened. The text names it and the system's reason."""


@dataclass
class _Outlet:
    config: SinkConfig
    sink: Any
    delivery: Delivery
    spill: Spill | None
    stack: AsyncExitStack


class Outlets:
    """Sinks by name. *folder* holds their spools; *when_full* and *dropped* (sink, records) are the spools' policy and report."""

    def __init__(
        self,
        folder: Path,
        dead_letters: DeadLetters,
        metrics: Metrics,
        when_full: Callable[[str], WhenFull],
        dropped: Callable[[str, int], None],
    ) -> None:
        self._folder = folder
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._when_full = when_full
        self._dropped = dropped
        self._outlets: dict[str, _Outlet] = {}
        self._retiring: dict[str, asyncio.Task[None]] = {}

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """One for each sink."""
        return [outlet.delivery for outlet in self._outlets.values()]

    @property
    def deliver(self) -> Sequence[Deliver]:
        """What the pipeline hands each clean batch to."""
        return [delivery.deliver for delivery in self.deliveries]

    @property
    def ready(self) -> bool:
        """Whether every sink takes what it is sent."""
        return not any(delivery.down for delivery in self.deliveries)

    def status(self) -> Mapping[str, str]:
        """Each sink, up or down."""
        return {f"sink {name}": "down" if outlet.delivery.down else "up" for name, outlet in self._outlets.items()}

    def waiting(self) -> Mapping[str, float]:
        """Bytes on disk for each sink that has a spool."""
        return {name: outlet.spill.size for name, outlet in self._outlets.items() if outlet.spill}

    async def change(self, config: Config, *, never_stops: bool) -> None:
        """Use the sinks of *config*; with *never_stops* each has a spool, whatever it says. Raises `SinkError`.

        A sink that is left gets all it was given before it is closed; what its spool holds stays there.
        """
        wanted = dict(zip(sink_names(config), config.sinks, strict=True))
        for name in [name for name, outlet in self._outlets.items() if wanted.get(name) != outlet.config]:
            self._retiring[name] = asyncio.create_task(_retire(self._outlets.pop(name)))
        for name, sink in wanted.items():
            if name not in self._outlets:
                if name in self._retiring:
                    await self._retiring.pop(name)
                spills = never_stops or sink.when_down == "spill"
                self._outlets[name] = await self._open(name, sink, config.spool.max_bytes if spills else None)

    async def sync(self) -> None:
        """Return once what was sent is durable, where a sink leaves that to us."""
        for outlet in list(self._outlets.values()):
            if sync := getattr(outlet.sink, "sync", None):
                await sync()

    async def reopen(self) -> None:
        """Have sinks look at their files again."""
        for outlet in list(self._outlets.values()):
            if reopen := getattr(outlet.sink, "reopen", None):
                await reopen()

    async def close(self) -> None:
        """Close every sink."""
        await asyncio.gather(*self._retiring.values(), return_exceptions=True)
        while self._outlets:
            await _close(self._outlets.popitem()[1])

    async def _open(self, name: str, config: SinkConfig, spool_bytes: int | None) -> _Outlet:
        async with AsyncExitStack() as stack:
            try:
                sink = await stack.enter_async_context(config.open())
            except OSError as trouble:
                place = f"{trouble.filename}: " if trouble.filename else ""
                raise SinkError(f"sink {name}: {place}cannot be opened: {trouble.strerror or type(trouble).__name__}") from None
            except ImportError as missing:
                told = f"sink {name}: needs {missing.name}, which is not installed: pip install 'mcp-log-sanitizer[grpc,postgres]'"
                raise SinkError(told) from None
            spill = None
            if spool_bytes is not None:
                spool = await asyncio.to_thread(Spool, self._folder / name, spool_bytes)
                spill = Spill(spool, self._when_full, lambda metric, number: self._count(metric, name, number))
            delivery = Delivery(sink, config, name, dead_letters=self._dead_letters, spool=spill, count=self._metrics.add)
            await delivery.resume()
            return _Outlet(config, sink, delivery, spill, stack.pop_all())

    def _count(self, metric: str, name: str, number: int) -> None:
        self._metrics.add(metric, name, number)
        if metric == "dropped":
            self._dropped(name, number)


async def _retire(outlet: _Outlet) -> None:
    await outlet.delivery.drained()
    await _close(outlet)


async def _close(outlet: _Outlet) -> None:
    await outlet.delivery.close()
    if outlet.spill:
        await outlet.spill.close()
    await outlet.stack.aclose()
