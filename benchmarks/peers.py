"""The other ends of `benchmarks.delivery`, each a process of its own: a collector that only answers, and the program itself
with the redaction left out."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from sanitizer.model import Batch, Clean, CleanBatch, Envelope, Message
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.scrub import BARE
from sanitizer.service import daemon, flow
from sanitizer.service.telemetry import Metrics

WORKED = "seconds: "


class Copying(Lanes):
    """Redaction that redacts nothing."""

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        messages = batch.messages
        records = [Clean(message.value or b"") for message in messages]
        envelopes = [dressed(message) if message.key is not None or message.headers else BARE for message in messages]
        offsets = [message.offset for message in messages]
        return [CleanBatch(batch.lane, records, offsets, batch.upto, read=len(records), envelopes=envelopes)]


def dressed(message: Message) -> Envelope:
    """The key and the headers of *message*, as they are."""
    key = None if message.key is None else Clean(message.key)
    return Envelope(key, [(name, Clean(value)) for name, value in message.headers])


class Watch(Metrics):
    """Metrics, and what the work took: from the first batch that was read to the last that was safe."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.last = now()

    def read(self, batch: Batch) -> None:
        if not self.total("read_bytes"):
            self.first = self.last = now()
        super().read(batch)

    def settled(self, latency_secs: float) -> None:
        super().settled(latency_secs)
        self.last = now()


def now() -> dict[str, float]:
    """Seconds so far: of the machine's clock, of this process's CPU time, and for which its first thread had to wait for a core
    (Linux tells that)."""
    schedule = Path("/proc/self/schedstat")
    waited = int(schedule.read_text().split()[1]) / 1e9 if schedule.exists() else 0.0
    return {"clock": time.monotonic(), "cpu": time.process_time(), "waited": waited}


def copy(config: str) -> int:
    """Run *config* as the program does, in the same process and with everything around it; only the redaction is left out."""
    vars(flow)["Lanes"] = Copying  # all else stays the program's
    return run(config)


def run(config: str) -> int:
    """Run *config* as the program does, and say at the end what the work took."""
    watches: list[Watch] = []

    def watch() -> Watch:
        watches.append(Watch())
        return watches[-1]

    vars(daemon)["Metrics"] = watch
    code = daemon.run(config, once=True)
    print(WORKED + json.dumps([watches[0].first, watches[0].last]), file=sys.stderr)
    return code


async def answer(request: web.Request) -> web.Response:
    """Take a request, and say so."""
    async for _ in request.content.iter_any():
        pass
    return web.Response()


async def answer_late(request: web.Request) -> web.Response:
    """Take a request, and say so after a tenth of a second."""
    await asyncio.sleep(0.1)
    return await answer(request)


def serve(port: int) -> None:
    """A collector that only answers."""
    app = web.Application()
    app.router.add_post("/v1/logs", answer)
    app.router.add_post("/slow/v1/logs", answer_late)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    if sys.argv[1] == "collector":
        serve(int(sys.argv[2]))
    else:
        sys.exit({"copy": copy, "run": run}[sys.argv[1]](sys.argv[2]))
