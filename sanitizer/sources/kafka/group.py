"""Membership in a consumer group: which partitions are ours, what of them is under way, and what the group is told.

When partitions are taken away, membership first waits (bounded) until what was handed out of them is delivered, so that the
next owner begins after it. What was not delivered by then is not committed here any more, and a partition that comes back
meanwhile rests until that is settled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from sanitizer.process.tasks import ended
from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.kafka.lane import Lane
from sinks.kafka.connection import client_arguments, start_client

log = logging.getLogger(__name__)

RETRY_SECS = 1.0
ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor}


class Positions(Protocol):
    """Who says where a partition is resumed, and commits, if not the group by itself (see `sanitizer.pipeline.transactions`)."""

    async def resume(self, lane: str, tp: TopicPartition) -> int | None:
        """The next offset to read; None where there is none yet."""
        ...

    async def advance(self, lane: str, upto: int) -> None:
        """Commit *upto*: there is nothing to deliver before it that was not delivered."""
        ...


class Group(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member of a group."""

    def __init__(self, config: KafkaConfig, count: Callable[[str, int], None]) -> None:
        self.lanes: dict[TopicPartition, Lane] = {}
        self.consumer: AIOKafkaConsumer | None = None
        self.positions: Positions | None = None
        self._config = config
        self._count = count
        self._names: dict[str, Lane] = {}
        self._changed = asyncio.Condition()
        self._to_commit: dict[str, int] = {}
        self._committing = asyncio.Lock()
        self._committer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: asyncio.Task[None] | None = None

    async def join(self) -> AIOKafkaConsumer:
        """Join, however long the cluster takes to be there, or to take the login: its log says which."""
        while True:
            self.consumer = consumer = AIOKafkaConsumer(**self._arguments())
            consumer.subscribe(**self._config.subscription(), listener=self)
            try:
                await start_client(consumer)
            except (KafkaError, OSError) as failure:
                log.warning("kafka: not connected yet (%s), trying again", type(failure).__name__)
                self._count("kafka_connects_failed", 1)
                await consumer.stop()
                await asyncio.sleep(RETRY_SECS)
            else:
                return consumer

    async def settled(self) -> None:
        """Return once nothing is under way."""
        async with self._changed:
            await self._changed.wait_for(lambda: not any(lane.busy() for lane in self.lanes.values()))

    async def leave(self) -> None:
        """Commit what is delivered, bounded by `request_timeout_secs`, and leave, once."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())
        await asyncio.shield(self._leaving)

    async def _leave(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.request_timeout_secs):
                await ended(self._flush())
        for lane in self.lanes.values():
            lane.ready = False
            lane.epoch += 1
        if self.consumer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.request_timeout_secs):
                    await ended(self.consumer.stop())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def commit(self, name: str, upto: int) -> None:
        """Note that everything of the lane before *upto* is delivered; the broker is told soon, at the latest on revocation."""
        await self.settle(name, upto)
        lane = self._names.get(name)
        if lane is None or lane.stale:
            self._count("kafka_commits_fenced", 1)
            return
        self._to_commit[name] = max(upto, self._to_commit.get(name, -1))
        if self._committer is None or self._committer.done():
            self._committer = self._start(self._flush_until_done())

    async def settle(self, name: str, upto: int) -> None:
        """Note that nothing of the lane before *upto* is under way any more, without telling the broker."""
        lane = self._names.get(name)
        if lane is not None and upto > lane.settled:
            async with self._changed:
                lane.settled = upto
                self._changed.notify_all()

    def position(self, lane: Lane) -> int | None:
        """The offset to be fetched next; None where the lane is not read, or that is not known yet."""
        if self.consumer is None or not lane.owned or not lane.ready:
            return None
        subscription = self.consumer._subscription.subscription
        state = subscription.assignment.state_value(lane.tp) if subscription and subscription.assignment else None
        return int(state.position) if state and state.has_valid_position else None

    async def advance(self) -> None:
        """Commit where lanes stand of which nothing is under way: past messages that were aborted, and past the marks that
        transactions leave, which take an offset each."""
        for lane in list(self.lanes.values()):
            position = None if lane.busy() else self.position(lane)
            if position is not None and position != lane.handed_out:
                lane.handed_out = lane.settled = position
                if self.positions is None:
                    await self.commit(lane.name, position)
                else:
                    await self.positions.advance(lane.name, position)

    def owns(self, name: str) -> bool:
        """Whether the lane is ours, as far as the coordinator has told."""
        lane = self._names.get(name)
        return lane is not None and lane.owned

    def lose(self, name: str) -> None:
        """Begin the lane anew, from where `positions` says, once what is under way of it is settled: another moved it."""
        lane = self._names.get(name)
        if lane is None or self.consumer is None or not lane.owned or not lane.ready:
            return
        lane.stale = True
        self._rest(self.consumer, lane)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """The coordinator takes all partitions back; it gives us `rebalance_timeout_secs`."""
        lanes = [self.lanes[tp] for tp in revoked if tp in self.lanes]
        for lane in lanes:
            lane.ready = False
            lane.epoch += 1
        try:
            async with asyncio.timeout(self._config.revoke_wait_secs), self._changed:
                await self._changed.wait_for(lambda: not any(lane.busy() for lane in lanes))
        except TimeoutError:
            log.warning("kafka: partitions were taken away before what was read of them was delivered; some may be sent twice")
        await self._flush()
        for lane in lanes:
            lane.owned = False
            lane.stale = lane.busy()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Each assigned partition is read as soon as nothing older of it is under way."""
        for tp in assigned:
            lane = self._lane(tp)
            lane.owned = True
            if not lane.busy() and self.positions is None:
                lane.begin()
            elif self.consumer is not None:
                self._rest(self.consumer, lane)

    def _lane(self, tp: TopicPartition) -> Lane:
        if tp not in self.lanes:
            name = f"{tp.topic}/{tp.partition}"
            name = f"{self._config.name}/{name}" if self._config.name else name
            self.lanes[tp] = self._names[name] = Lane(name, tp)
        return self.lanes[tp]

    def _rest(self, consumer: AIOKafkaConsumer, lane: Lane) -> None:
        lane.ready = False
        lane.epoch += 1
        consumer.pause(lane.tp)
        self._start(self._resume(consumer, lane, lane.epoch))

    async def _resume(self, consumer: AIOKafkaConsumer, lane: Lane, epoch: int) -> None:
        """Let a lane be read once its old batches are settled, from where the group, or `positions`, says."""
        async with self._changed:
            await self._changed.wait_for(lambda: not lane.busy() or lane.epoch != epoch)
        while lane.epoch == epoch:
            try:
                offset = await self._position(consumer, lane)
                if lane.epoch == epoch:
                    await self._seek(consumer, lane.tp, offset)
            except IllegalStateError:
                return  # taken away this very moment: the next assignment begins it
            except KafkaError as failure:
                log.warning("kafka: where to resume %s is not known yet (%s)", lane.name, type(failure).__name__)
                await asyncio.sleep(RETRY_SECS)
            else:
                break
        if lane.epoch == epoch:
            lane.begin()
            consumer.resume(lane.tp)

    async def _position(self, consumer: AIOKafkaConsumer, lane: Lane) -> int | None:
        if self.positions is not None:
            return await self.positions.resume(lane.name, lane.tp)
        await self._flush()
        offset: int | None = await consumer.committed(lane.tp)
        return offset

    async def _seek(self, consumer: AIOKafkaConsumer, tp: TopicPartition, offset: int | None) -> None:
        if offset is not None:
            consumer.seek(tp, offset)
        elif self._config.auto_offset_reset == "earliest":
            await consumer.seek_to_beginning(tp)
        else:
            await consumer.seek_to_end(tp)

    async def _flush_until_done(self) -> None:
        while True:
            if await self._flush():
                return
            await asyncio.sleep(RETRY_SECS)

    async def _flush(self) -> bool:
        """Tell the broker what is delivered of the lanes that are ours; False when that failed and may succeed later."""
        async with self._committing:
            while self._to_commit and self.consumer is not None:
                due, self._to_commit = self._to_commit, {}
                offsets = {lane.tp: upto for name, upto in due.items() if (lane := self._names.get(name)) and lane.owned}
                if not offsets:
                    continue
                try:
                    await self.consumer.commit(offsets)
                except (CommitFailedError, IllegalStateError):
                    self._count("kafka_commits_fenced", len(offsets))  # the partitions are another member's now
                except KafkaError as failure:
                    log.warning("kafka: a commit failed (%s) and is tried again", type(failure).__name__)
                    for name, upto in due.items():
                        self._to_commit[name] = max(upto, self._to_commit.get(name, -1))
                    return False
            return True

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _arguments(self) -> dict[str, Any]:
        config = self._config
        return client_arguments(config) | {
            "group_id": config.group_id,
            "group_instance_id": config.group_instance_id,
            "enable_auto_commit": False,
            "auto_offset_reset": config.auto_offset_reset,
            "isolation_level": config.isolation,
            "partition_assignment_strategy": (ASSIGNORS[config.assignment],),
            "session_timeout_ms": int(config.session_timeout_secs * 1000),
            "heartbeat_interval_ms": int(config.heartbeat_secs * 1000),
            "rebalance_timeout_ms": int(config.rebalance_timeout_secs * 1000),
            "max_poll_interval_ms": int(config.max_poll_interval_secs * 1000),
            "max_partition_fetch_bytes": config.max_fetch_bytes,
            "fetch_max_bytes": 4 * config.max_fetch_bytes,
        }
