"""Sending one batch until all of it is delivered or buried: retry, splitting, dead letters.

A `Retry` and the system's own errors (connection refused, DNS, TLS, timeouts) are transient, whatever the sink; a
`Rejection` is for ever.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from sanitizer.model import CleanBatch, Receipt, Rejection, Retry, Sink, TooLarge
from sanitizer.pipeline.batching import join, pick, split
from sinks.options import SinkOptions


class DeadLetters(Protocol):
    """Where records go that a sink will never take."""

    async def bury(self, sink: str, batch: CleanBatch, rejections: Sequence[Rejection]) -> None:
        """Keep the rejected records of *batch*; raise `OSError` when that is not possible now."""
        ...

    async def mark(self, sink: str, batch: CleanBatch, count: int) -> None:
        """Keep that *count* records of *batch* were rejected, and nobody knows which; raise `OSError` likewise."""
        ...


_log = logging.getLogger(__name__)

_LAST_ANSWER_SECS = 1.0
_REPEAT_SECS = 60.0

Count = Callable[[str, str, int], None]
"""(metric, sink, increment)"""


class Sender:
    """Sends to one sink. `hurry` is set (by `rush`) when there is no time left to wait in; `trouble` is why the last send brought
    nothing, if it did. That a sink takes nothing, or refuses records for good, is said once a minute."""

    def __init__(self, sink: Sink, options: SinkOptions, name: str, dead_letters: DeadLetters, count: Count) -> None:
        self._sink = sink
        self._options = options
        self._name = name
        self._dead_letters = dead_letters
        self._count = count
        self.hurry = asyncio.Event()
        self.trouble: str | None = None
        self._told_at = {"down": float("-inf"), "refused": float("-inf")}
        self._told_down = False
        self._limits: set[asyncio.Timeout] = set()

    def rush(self) -> None:
        """From now on wait for nothing; what is on its way has a second left to be answered."""
        self.hurry.set()
        soon = asyncio.get_running_loop().time() + _LAST_ANSWER_SECS
        for limit in self._limits:
            if (when := limit.when()) is None or when > soon:
                limit.reschedule(soon)

    async def send(self, batch: CleanBatch, *, give_back: bool) -> CleanBatch | None:
        """Send *batch* until all of it is delivered or buried; return what is left when there is to be no waiting.

        With *give_back* nothing is waited for; without, what fails is tried again for as long as the options say, or until `hurry`.
        """
        attempt = 0
        while True:
            after_secs: float | None = None
            reason = "it did not take them"
            try:
                receipt = await self._ask(batch)
            except TooLarge:
                if len(batch.records) > 1:
                    return await self._send_halves(batch, give_back=give_back)
                receipt = Receipt(rejected=[Rejection(0, "too large for the sink")])
            except Retry as trouble:
                receipt, after_secs, reason = Receipt(pending=range(len(batch.records))), trouble.after_secs, str(trouble)
            except BrokenPipeError:
                raise
            except TimeoutError:
                receipt, reason = Receipt(pending=range(len(batch.records))), "no answer in time"
            except OSError as trouble:
                receipt, reason = Receipt(pending=range(len(batch.records))), trouble.strerror or type(trouble).__name__
            self._note(reason if len(receipt.pending) == len(batch.records) > 0 else None)
            await self._bury(batch, receipt.rejected)
            await self._mark(batch, receipt.unnamed)
            gone = len(receipt.rejected) + len(receipt.pending) + receipt.unnamed
            self._count("delivered", self._name, len(batch.records) - gone)
            if not receipt.pending:
                return None
            attempt = attempt + 1 if len(receipt.pending) == len(batch.records) else 1
            batch = pick(batch, receipt.pending)
            self._count("retries", self._name, 1)
            retry = self._options.retry
            if retry.max_attempts is not None and attempt >= retry.max_attempts:
                await self._bury(batch, [Rejection(i, f"gave up after {attempt} attempts") for i in range(len(batch.records))])
                return None
            if give_back or self.hurry.is_set():
                return batch
            await self._pause(receipt.after_secs if after_secs is None else after_secs, attempt)

    def _note(self, trouble: str | None) -> None:
        """Remember what became of a send; say it where it is news."""
        self.trouble = trouble
        if trouble is None and self._told_down:
            self._told_down = False
            _log.info("sink %s takes records again", self._name)
        elif trouble is not None and self._is_due("down"):
            self._told_down = True
            _log.warning("sink %s takes no records (%s); they wait and are sent again", self._name, trouble)

    def _is_due(self, kind: str) -> bool:
        now = time.monotonic()
        due = now - self._told_at[kind] >= _REPEAT_SECS
        if due:
            self._told_at[kind] = now
        return due

    async def _ask(self, batch: CleanBatch) -> Receipt:
        secs = _LAST_ANSWER_SECS if self.hurry.is_set() else self._options.timeout_secs
        async with asyncio.timeout(secs) as limit:
            self._limits.add(limit)
            try:
                return await self._sink.send(batch)
            finally:
                self._limits.discard(limit)

    async def _send_halves(self, batch: CleanBatch, *, give_back: bool) -> CleanBatch | None:
        left: list[CleanBatch] = []
        for half in split(batch, (len(batch.records) + 1) // 2):
            remainder = half if left else await self.send(half, give_back=give_back)
            if remainder is not None:
                left.append(remainder)
        return join(left) if left else None

    async def _bury(self, batch: CleanBatch, rejections: Sequence[Rejection]) -> None:
        if rejections:
            if self._is_due("refused"):
                told = "sink %s refuses records (%d: %s); they are kept, see `sanitizer deadletters list`"
                _log.warning(told, self._name, len(rejections), rejections[0].reason)
            await self._keep(lambda: self._dead_letters.bury(self._name, batch, rejections), len(rejections))

    async def _mark(self, batch: CleanBatch, count: int) -> None:
        if count:
            await self._keep(lambda: self._dead_letters.mark(self._name, batch, count), count)

    async def _keep(self, keep: Callable[[], Awaitable[None]], count: int) -> None:
        """Keep *count* records that the sink refused; a full disk is waited for, since dropping them here would be silent."""
        attempt = 0
        while True:
            try:
                await keep()
            except OSError:
                if self.hurry.is_set():
                    raise
                attempt += 1
                await self._pause(None, attempt)
            else:
                self._count("dead_lettered", self._name, count)
                return

    async def _pause(self, after_secs: float | None, attempt: int) -> None:
        """Full jitter over an exponential bound, so that many that failed together do not come back together."""
        retry = self._options.retry
        bound = min(retry.max_delay_secs, retry.first_delay_secs * 2 ** min(attempt - 1, 32))
        secs = random.uniform(0, bound) if after_secs is None else after_secs  # noqa: S311 - spreads load, keeps no secret
        try:
            await asyncio.wait_for(self.hurry.wait(), secs)
        except TimeoutError:
            return
