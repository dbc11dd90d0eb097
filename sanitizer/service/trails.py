"""The audit trail that a configuration asks for, if it does."""

from __future__ import annotations

from pathlib import Path

from sanitizer.audit.chain import Signer
from sanitizer.audit.lane_trails import LaneTrails
from sanitizer.audit.options import Audit
from sanitizer.audit.trail import Facts, Trail
from sanitizer.protocol.mcp import Transport
from sanitizer.service.settings import Config


def open_trail(config: Config, facts: Facts, folder: Path, transport: Transport) -> Trail | LaneTrails | None:
    """The trail that *config* asks for, if it does. Raises `LedgerError` and `SigningKeyError`."""
    if not wants_audit(config):
        return None
    options = config.audit or Audit()
    signer = Signer.load(options.key_file)
    if config.delivery == "exactly_once" and is_sent(config):
        return LaneTrails(options, signer, transport)
    trail = Trail(options, signer, facts, folder, transport)
    trail.is_read_by_sinks = is_sent(config)
    return trail


def wants_audit(config: Config) -> bool:
    """Whether anybody is to have an audit trail."""
    return config.audit is not None or is_sent(config)


def is_sent(config: Config) -> bool:
    """Whether any sink receives audit events."""
    return any("audit" in sink.receives for sink in config.sinks)
