"""Real servers for whoever asks for them, installed before the first test's time starts to run; examples without a clock."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from servers import fixtures
from servers.fixtures import (
    certificates,
    collector,
    kafka,
    kafka3,
    mcp_servers,
    nothing_is_left,
    postgres,
    tls_collector,
    victoria_logs,
)

__all__ = ["certificates", "collector", "kafka", "kafka3", "mcp_servers", "nothing_is_left", "postgres", "tls_collector", "victoria_logs"]

if "CI" not in os.environ:  # there hypothesis has a profile of its own, which has no deadline either
    settings.register_profile("without a clock", deadline=None)
    settings.load_profile("without a clock")


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    """A command that a test runs in this process has Python look for cycles seldom: what one test leaves would be found in another."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real server, so that `-m "not server"` leaves it out."""
    for item in items:
        if Path(__file__).parent / "servers" in item.path.parents:
            item.add_marker(pytest.mark.server)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the servers that the chosen tests use, where the programs for it are there."""
    if not session.config.option.collectonly:
        fixtures.prepare({name for item in session.items for name in getattr(item, "fixturenames", ())})
