"""What a configuration may say of the audit trail."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sanitizer.protocol.surroundings import FactPaths
from sinks.options import Bytes, Count, Options, Seconds


class Audit(Options, frozen=True):
    """The audit trail: written to `file`, and sent to every sink that `receives` it.

    `server` names the MCP server where the log does not. Checkpoints are signed with the Ed25519 key in `key_file` (or in
    `SANITIZER_AUDIT_KEY`), every `checkpoint_events` events and every `checkpoint_secs` seconds. Parts of the file are kept for
    `keep_secs`, or for good. `facts` says where to find the user, the project and the like of a call.
    """

    file: str | None = None
    server: str = ""
    key_file: str | None = None
    checkpoint_events: Count = 1_000
    checkpoint_secs: Annotated[float, Meta(gt=0)] = 60.0
    max_file_bytes: Bytes = 100 << 20
    max_file_secs: Seconds = 86_400.0
    keep_secs: Seconds | None = None
    facts: FactPaths = FactPaths()
