"""Servers that the contract needs."""

from __future__ import annotations

from servers.fixtures import certificates, kafka

__all__ = ["certificates", "kafka"]
