"""Messages that their topic's retention deleted before the group read them: nothing brings them back, so they are counted and told.

The client goes on at the earliest message there is, without a word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.kafka.group import Group
from sanitizer.sources.kafka.offsets import stable_offsets

log = logging.getLogger(__name__)


class Retention:
    """Compares where the group stood with where partitions begin: as a lane is begun, and where something is missing."""

    def __init__(self, config: KafkaConfig, group: Group, count: Callable[[str, int], None]) -> None:
        self._config = config
        self._group = group
        self._count = count
        self._begun: dict[TopicPartition, int] = {}

    async def look(self, consumer: AIOKafkaConsumer, gaps: dict[TopicPartition, int]) -> None:
        """Count what is gone of lanes begun since the last look, and from the offsets of *gaps* on."""
        lanes = self._group.lanes.items()
        begun = {tp: lane.epoch for tp, lane in lanes if lane.owned and lane.ready and self._begun.get(tp) != lane.epoch}
        if not begun and not gaps:
            return
        self._begun |= begun
        try:
            async with asyncio.timeout(self._config.request_timeout_secs):
                stood = await stable_offsets(consumer._client, self._config.group_id, begun) if begun else {}
                offsets = {tp: at.offset for tp, at in stood.items()} | gaps
                begins = await consumer.beginning_offsets(list(offsets))
        except (KafkaError, TimeoutError) as failure:
            log.warning("kafka: whether retention deleted what was not read is not known (%s)", type(failure).__name__)
            return
        for tp, offset in offsets.items():
            if gone := max(0, begins[tp] - offset):
                log.error("kafka: up to %d message(s) of %s/%d were deleted by its retention unread", gone, tp.topic, tp.partition)
                self._count("kafka_messages_expired", gone)
