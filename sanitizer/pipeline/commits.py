"""From settled to committed: what is delivered is made durable, then its source is told, then that is kept."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from sanitizer.model import Source

Hook = Callable[[], Awaitable[None]]

MAX_DELAY_SECS = 5.0

_log = logging.getLogger(__name__)


class NotDurableError(Exception):
    """Raised when the disk does not take what a sink has written: it is not committed, and read again by the next run."""


class Commits:
    """Gathers what is settled and commits it in rounds.

    Before each round the *durable* hooks run (a file sink's fsync), after it the *committed* ones (the state's flush);
    *commit_audit* is told up to which sequence number audit events are delivered. Sources are told *at_source*.
    """

    def __init__(
        self,
        durable: Sequence[Hook],
        committed: Sequence[Hook],
        commit_audit: Callable[[int], Awaitable[None]] | None,
        *,
        at_source: bool,
    ) -> None:
        self._durable = durable
        self._committed = committed
        self._commit_audit = commit_audit
        self._at_source = at_source
        self._settled: dict[str, tuple[Source, int]] = {}
        self._audit_upto = 0
        self._due = asyncio.Event()

    def settle(self, source: Source, lane: str, upto: int) -> None:
        """Everything of *lane* before *upto* is delivered."""
        self._settled[lane] = (source, upto)
        self._due.set()

    def settle_audit(self, upto: int) -> None:
        """The audit events up to *upto* are delivered."""
        self._audit_upto = upto
        self._due.set()

    async def due(self) -> None:
        """Wait until there is something to commit."""
        await self._due.wait()

    async def commit_all(self) -> None:
        """Commit what is settled, however long the disk takes to take it."""
        attempt = 0
        while True:
            try:
                return await self.commit()
            except NotDurableError as trouble:
                _log.error("what was written is not on the disk yet (%s): it is tried again; until then, positions stay", trouble)
            attempt += 1
            await asyncio.sleep(random.uniform(0, min(MAX_DELAY_SECS, 0.1 * 2 ** min(attempt, 10))))  # noqa: S311 - spreads load only

    async def commit(self) -> None:
        """Commit what is settled by now. Raises `NotDurableError`; then it still is to be committed."""
        self._due.clear()
        settled, self._settled = self._settled, {}
        audit_upto, self._audit_upto = self._audit_upto, 0
        if not settled and not audit_upto:
            return
        try:
            await self._make_durable()
            if self._at_source:
                for lane, (source, upto) in settled.items():
                    await source.commit(lane, upto)
            if audit_upto and self._commit_audit:
                await self._commit_audit(audit_upto)
            for hook in self._committed:
                await hook()
        except BaseException:  # cancelled, too: telling a source twice does no harm
            self._settled = {**settled, **self._settled}
            self._audit_upto = self._audit_upto or audit_upto
            raise

    async def _make_durable(self) -> None:
        try:
            for hook in self._durable:
                await hook()
        except OSError as trouble:
            raise NotDurableError(trouble.strerror or type(trouble).__name__) from None
