"""The other ends of `benchmarks.delivery`, each a process of its own: a collector that only answers, and a copy from Kafka to Kafka
by the same source, loop, delivery and sink, with the redaction left out."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Sequence

from aiohttp import web

from sanitizer.delivery import Delivery
from sanitizer.model import Batch, Clean, CleanBatch
from sanitizer.pipeline import Pipeline
from sanitizer.sources.kafka import KafkaConfig
from sanitizer.sources.options import Reading
from sinks.kafka import KafkaSinkConfig


class Copying:
    """Redaction that redacts nothing."""

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        records = [Clean(message.value or b"") for message in batch.messages]
        return [CleanBatch(batch.lane, records, [message.offset for message in batch.messages], batch.upto)]

    async def flush(self, *_: object) -> Sequence[CleanBatch]:
        return ()

    def holding(self, *_: object) -> bool:
        return False


class Nowhere:
    """Dead letters that must not be."""

    async def bury(self, *_: object) -> None:
        raise RuntimeError("a record was rejected")


async def copy(bootstrap: str, topic: str, out: str) -> None:
    """Copy all of *topic* to *out*, at least once."""
    source_config = KafkaConfig(bootstrap_servers=bootstrap, topics=(topic,), group_id=uuid.uuid4().hex)
    sink_config = KafkaSinkConfig(bootstrap_servers=bootstrap, topic=out, compression="lz4")
    async with sink_config.open() as sink, source_config.open(Reading(once=True)) as source:
        delivery = Delivery(sink, sink_config, "kafka", dead_letters=Nowhere())
        await Pipeline([source], Copying(), deliver=[delivery.deliver]).run()
        await delivery.close()


async def answer(request: web.Request) -> web.Response:
    """Take a request, and say so."""
    async for _ in request.content.iter_any():
        pass
    return web.Response()


def serve(port: int) -> None:
    """A collector that only answers."""
    app = web.Application()
    app.router.add_post("/v1/logs", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    if sys.argv[1] == "collector":
        serve(int(sys.argv[2]))
    else:
        asyncio.run(copy(*sys.argv[2:5]))
