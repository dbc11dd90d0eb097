"""What a peer's answer means, told once for every sink that speaks HTTP (or something like it)."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Sequence

from sanitizer.model import Clean, Receipt, Rejection, Retry, TooLarge

PERMANENT_FOR_THE_BATCH = frozenset({400, 406, 410, 415, 422})
"""The peer read the request and will never take it. Anything else that is no success may pass: a wrong token (401, 403) or
address (404, 405) is the operator's to mend, and no reason to lose a record."""


def check_status(status: int, records: Sequence[Clean], retry_after: str | None = None) -> Receipt | None:
    """None for a success; otherwise raise `Retry` or `TooLarge`, or return the receipt that rejects every record (RFC 9110)."""
    if 200 <= status < 300:
        return None
    if status == 413:
        raise TooLarge
    if status in PERMANENT_FOR_THE_BATCH:
        return Receipt(rejected=[Rejection(index, f"status {status}") for index in range(len(records))])
    raise Retry(f"status {status}", parse_retry_after(retry_after))


def parse_retry_after(value: str | None) -> float | None:
    """Seconds to wait, from either form of `Retry-After` (RFC 9110, 10.2.3); None when there is none that makes sense."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
