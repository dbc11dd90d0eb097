"""Everything in this folder needs a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.fixtures import certificates, collector, kafka, kafka3, tls_collector

__all__ = ["certificates", "collector", "kafka", "kafka3", "tls_collector"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here, so that `-m "not server"` leaves it out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.server)
