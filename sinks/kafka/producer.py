"""Produce to Kafka with an idempotent producer, which is thrown away when it fails."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed, RecordListTooLargeError

from sanitizer.model import CleanBatch, Receipt, Rejection, Retry, TooLarge
from sinks.kafka.config import KafkaSinkConfig
from sinks.kafka.connection import client_arguments, start_client
from sinks.kafka.messages import Encoder, Outgoing, message_bytes

STOP_SECS = 1.0


class Refused(Exception):
    """Raised where the broker will not take all of what was sent: `rejections` are records too large by themselves, `pending`
    those of a request that was too large, and what would have followed them on their partition."""

    def __init__(self, pending: Sequence[int], rejections: Sequence[Rejection]) -> None:
        super().__init__("too large for the topic")
        self.pending = pending
        self.rejections = rejections


class KafkaSink:
    """Sends each batch with one idempotent producer (acks=all), and returns once every in-sync replica has it."""

    def __init__(self, config: KafkaSinkConfig) -> None:
        self._config = config
        self._encoder = Encoder(config)
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._turn = asyncio.Lock()

    async def send(self, batch: CleanBatch) -> Receipt:
        """Raise `Retry` when the broker cannot be reached or does not answer within `timeout_secs`.

        A producer that failed is never used again: what it holds is in doubt, and its sequence numbers are no more the broker's.
        """
        producer = None
        try:
            async with asyncio.timeout(self._config.timeout_secs):
                producer = await self._connected()
                rejected = await self._write(producer, batch)
        except Refused as refused:
            await self._drop(producer)
            pending = refused.pending
            if self._config.transactional_id is not None:  # what had been written is undone
                buried = {rejection.index for rejection in refused.rejections}
                pending = [place for place in range(len(batch.records)) if place not in buried]
            if len(pending) == len(batch.records):
                raise TooLarge from None
            return Receipt(rejected=refused.rejections, pending=pending)
        except (KafkaError, OSError) as failure:
            await self._drop(producer)
            raise Retry(f"kafka: {type(failure).__name__}") from None
        except asyncio.CancelledError:
            await self._drop(producer)
            raise
        return Receipt(rejected=tuple(rejected))

    async def close(self) -> None:
        """Close the connection."""
        await self._drop(self._producer)

    async def _write(self, producer: AIOKafkaProducer, batch: CleanBatch) -> list[Rejection]:
        if self._config.transactional_id is None:
            return await produce(producer, self._encoder, batch)
        async with self._turn:
            if self._producer != producer:
                raise ProducerClosed  # the transaction before this one failed, and took the producer with it
            await producer.begin_transaction()
            rejected = await produce(producer, self._encoder, batch)
            await producer.commit_transaction()
            return rejected

    async def _connected(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = await start_producer(producer_arguments(self._config))
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer | None) -> None:
        if producer is not None and producer is self._producer:
            self._producer = None
            await abandon(producer)


async def produce(producer: AIOKafkaProducer, encoder: Encoder, batch: CleanBatch) -> list[Rejection]:
    """Write *batch* and return when all of it is acknowledged, but for records above `max_message_bytes`, which are returned.

    Raises `Refused` where the broker finds something too large, and `KafkaError` where it fails.

    Partitions are written at the same time, the requests to one partition one after another, so that none overtakes.
    """
    partitions = sorted(await producer.partitions_for(encoder.topic))
    shares: defaultdict[int, list[Outgoing]] = defaultdict(list)
    rejections: list[Rejection] = []
    keyless = partitions[hash((batch.lane, batch.upto)) % len(partitions)]
    find, lane, largest = encoder.partition, batch.lane, encoder.max_message_bytes
    for message in encoder.messages(batch):
        if message_bytes(message) > largest:
            rejections.append(Rejection(message.place, "larger than max_message_bytes"))
            continue
        partition = find(message.key, lane, partitions)
        shares[keyless if partition < 0 else partition].append(message)
    writes = [_write(producer, encoder.topic, partition, share) for partition, share in shares.items()]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    pending: list[int] = []
    refused = False
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            refused = True
            pending += outcome.pending
            rejections += outcome.rejections
        elif isinstance(outcome, BaseException):
            raise outcome
    if refused:
        raise Refused(sorted(pending), sorted(rejections, key=lambda each: each.index))
    return rejections


async def _write(producer: AIOKafkaProducer, topic: str, partition: int, messages: Sequence[Outgoing]) -> None:
    at = 0
    while at < len(messages):
        request = producer.create_batch()
        append, begin = request.append, at
        for _, key, value, headers in islice(messages, begin, None):
            if append(timestamp=None, key=key, value=value, headers=headers) is None:
                break
            at += 1
        request.close()
        try:
            await (await producer.send_batch(request, topic, partition=partition))
        except (MessageSizeTooLargeError, RecordListTooLargeError):
            if at - begin == 1:
                rejection = Rejection(messages[begin].place, "larger than the topic takes")
                raise Refused([each.place for each in messages[at:]], [rejection]) from None
            raise Refused([each.place for each in messages[begin:]], []) from None


def producer_arguments(config: KafkaSinkConfig) -> dict[str, Any]:
    """The keyword arguments of `AIOKafkaProducer`; raises `OSError` when a certificate cannot be read."""
    return client_arguments(config) | {
        "acks": "all",
        "enable_idempotence": True,
        "transactional_id": config.transactional_id,
        "compression_type": None if config.compression == "none" else config.compression,
        "max_batch_size": config.max_message_bytes,
        "max_request_size": config.max_message_bytes,
    }


async def start_producer(arguments: dict[str, Any]) -> AIOKafkaProducer:
    """Connect; raise `KafkaError` or `OSError` when that fails, leaving nothing open."""
    producer = AIOKafkaProducer(**arguments)
    try:
        await start_client(producer)
    except BaseException:
        await abandon(producer)
        raise
    return producer


async def abandon(producer: AIOKafkaProducer) -> None:
    """Close *producer* whatever state it or its broker is in: what it still holds fails.

    The library's own `stop` waits for brokers, and for tasks that may look for a coordinator for ever; it gets a moment.
    """
    producer._message_accumulator.fail_all(ProducerClosed())
    with suppress(Exception):
        async with asyncio.timeout(STOP_SECS):
            await producer.stop()
    await producer.client.close()
