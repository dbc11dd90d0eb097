"""Where a run that reads once ends: where all partitions of the group's topics ended when it began.

What this member is not assigned is not read for that. It may be a living member's, who commits what it reads; or that of one that
was killed, also in the middle of joining, when the coordinator hands it a share although nobody is there to read it. That share
comes to those who are left once its session has run out, so a member that ended with its own share would leave it unread.
"""

from __future__ import annotations

import asyncio
import logging
import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.kafka.group import RETRY_SECS, Group
from sanitizer.sources.kafka.offsets import stable_offsets

log = logging.getLogger(__name__)

TELL_SECS = 10.0


class Ends:
    """The end offsets as of the first question, and whether everything before them is read."""

    def __init__(self, config: KafkaConfig, group: Group) -> None:
        self._config = config
        self._group = group
        self._ends: dict[TopicPartition, int] | None = None
        self._told = time.monotonic()

    async def reached(self, consumer: AIOKafkaConsumer) -> bool:
        """Whether each partition was read to its end by this member, or is committed up to there by the group."""
        try:
            async with asyncio.timeout(self._config.request_timeout_secs):
                if self._ends is None:
                    self._ends = await consumer.end_offsets(_partitions(consumer))
                left = {tp: end for tp, end in self._ends.items() if not self._is_read(tp, end)}
                if any(lane.owned for tp, lane in self._group.lanes.items() if tp in left):
                    return False
                left = await self._uncommitted(consumer, left) if left else left
        except (KafkaError, TimeoutError) as failure:
            log.warning("kafka: whether everything is read is not known yet (%s)", type(failure).__name__)
            await asyncio.sleep(RETRY_SECS)
            return False
        if left and time.monotonic() - self._told >= TELL_SECS:
            self._told = time.monotonic()
            log.info("kafka: waiting for %d partition(s) that other members of group %s hold", len(left), self._config.group_id)
        return not left

    def _is_read(self, tp: TopicPartition, end: int) -> bool:
        lane = self._group.lanes.get(tp)
        position = self._group.position(lane) if lane else None
        return position is not None and position >= end

    async def _uncommitted(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Those of *ends* that the group has not reached."""
        reached = {tp: at.offset for tp, at in (await stable_offsets(consumer._client, self._config.group_id, ends)).items()}
        fresh = [tp for tp in ends if tp not in reached]
        if self._config.auto_offset_reset == "earliest":
            reached |= await consumer.beginning_offsets(fresh)
        else:
            reached |= {tp: ends[tp] for tp in fresh}  # whoever begins there begins at the end
        return {tp: end for tp, end in ends.items() if reached[tp] < end}


def _partitions(consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    topics = consumer.subscription()
    return [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()]
