"""Servers that the contract needs."""

from __future__ import annotations

from servers.fixtures import certificates, kafka, postgres

__all__ = ["certificates", "kafka", "postgres"]
