"""What sources can be told in common, and what each is given when it opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sinks.options import Options


class Checkpoints(Protocol):
    """Where the positions of lanes survive a restart. `intact` is false when earlier positions were found damaged."""

    intact: bool

    def load(self, prefix: str) -> Mapping[str, bytes]:
        """Every position saved under a lane that begins with *prefix*; its form is the source's own."""
        ...

    def save(self, lane: str, position: bytes) -> None:
        """Remember *position*; durable at the latest when the process ends in order, atomic always."""
        ...

    def forget(self, lane: str) -> None:
        """Drop the position of a lane that is gone."""
        ...


class Nowhere:
    """Checkpoints of a run that keeps no state."""

    intact = True

    def load(self, prefix: str) -> Mapping[str, bytes]:  # noqa: ARG002 - the seam's shape
        return {}

    def save(self, lane: str, position: bytes) -> None:
        pass

    def forget(self, lane: str) -> None:
        pass


def ignore(_name: str, _count: int) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source is given when it opens.

    `stop`: once set, read what is already there, then end. `once`: end when everything there is has been read. `count`
    takes a metric's name and an increment. `state` is where nothing but positions is kept.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    once: bool = False
    checkpoints: Checkpoints = field(default_factory=Nowhere)
    count: Callable[[str, int], None] = ignore


class SourceOptions(Options, frozen=True):
    """What every source can be told. `name` tells two sources of one type apart; it begins the lanes' names."""

    name: str = ""
