"""A group's committed offsets, and nothing that a transaction may still change.

`commit_transaction` returns before the offsets in the transaction can be read: the coordinator writes its markers afterwards. A
reader that does not ask for stable offsets is then told the offset before, and would read again what is already written. The
Kafka protocol has an answer since OffsetFetch version 7 (KIP-447): `require_stable`, refused while anything is pending. The
client library stops at version 3, so the request is spelled out here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaError, NoError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)
from aiokafka.structs import OffsetAndMetadata

UNSTABLE_OFFSET_COMMIT = 88
PENDING_SECS = 0.01
RETRY_SECS = 0.1


class StableOffsetFetchResponse(Response):  # type: ignore[misc]
    API_KEY = 9
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", CompactString("utf-8")),
                        ("error_code", Int16),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("error_code", Int16),
        ("tags", TaggedFields),
    )


class StableOffsetFetchRequestStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 9
    API_VERSION = 7
    RESPONSE_TYPE = StableOffsetFetchResponse
    SCHEMA = Schema(
        ("consumer_group", CompactString("utf-8")),
        (
            "topics",
            CompactArray(("topic", CompactString("utf-8")), ("partitions", CompactArray(Int32)), ("tags", TaggedFields)),
        ),
        ("require_stable", Boolean),
        ("tags", TaggedFields),
    )


class StableOffsetFetchRequest(Request[StableOffsetFetchRequestStruct]):  # type: ignore[misc]
    """OffsetFetch, version 7; brokers from 2.5 on know it."""

    API_KEY = 9

    def __init__(self, group_id: str, tps: Collection[TopicPartition]) -> None:
        self._group_id = group_id
        self._partitions: dict[str, list[int]] = {}
        for tp in tps:
            self._partitions.setdefault(tp.topic, []).append(tp.partition)

    def build(self, request_struct_class: type[StableOffsetFetchRequestStruct]) -> Any:
        topics: list[Any] = [(topic, partitions, {}) for topic, partitions in self._partitions.items()]
        return request_struct_class(self._group_id, topics, True, {})


async def stable_offsets(
    client: AIOKafkaClient, group_id: str, tps: Collection[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return the committed offsets of *tps* once no transaction that commits one is pending; what was never committed is left out.

    Asks until it is told, so the caller bounds the time; raises `KafkaError` for what asking again cannot mend.
    """
    request = StableOffsetFetchRequest(group_id, tps)
    while True:
        try:
            coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group_id)
            answer = await client.send(coordinator, request, group=ConnectionGroup.COORDINATION)
            found = [(TopicPartition(topic, each[0]), each) for topic, partitions, _ in answer.topics for each in partitions]
            codes = {answer.error_code, *(error for _, (_, _, _, _, error, _) in found)}
            if UNSTABLE_OFFSET_COMMIT in codes:
                await asyncio.sleep(PENDING_SECS)
                continue
            for code in codes:
                if for_code(code) is not NoError:
                    raise for_code(code)()
        except KafkaError as failure:
            if not failure.retriable:
                raise
            await client.force_metadata_update()
            await asyncio.sleep(RETRY_SECS)
        else:
            return {tp: OffsetAndMetadata(offset, metadata or "") for tp, (_, offset, _, metadata, _, _) in found if offset >= 0}
