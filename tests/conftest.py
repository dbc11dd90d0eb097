"""Real servers for whoever asks for them, installed before the first test's time starts to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers import fixtures
from servers.fixtures import certificates, collector, kafka, kafka3, mcp_servers, tls_collector

__all__ = ["certificates", "collector", "kafka", "kafka3", "mcp_servers", "tls_collector"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real server, so that `-m "not server"` leaves it out."""
    for item in items:
        if Path(__file__).parent / "servers" in item.path.parents:
            item.add_marker(pytest.mark.server)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the servers that the chosen tests use, where the programs for it are there."""
    if not session.config.option.collectonly:
        fixtures.prepare({name for item in session.items for name in getattr(item, "fixturenames", ())})
