"""The other ends of `benchmarks.delivery`, each a process of its own: a collector that only answers, and the program itself
with the redaction left out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from sanitizer import daemon, flow
from sanitizer.lanes import Lanes
from sanitizer.model import Batch, Clean, CleanBatch, Envelope
from sanitizer.scrub import BARE

SCHEDULED = "seconds run, and waited for a core: "


class Copying(Lanes):
    """Redaction that redacts nothing."""

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        messages = batch.messages
        records = [Clean(message.value or b"") for message in messages]
        envelopes = [
            BARE
            if message.key is None and not message.headers
            else Envelope(message.key and Clean(message.key), [(name, Clean(value)) for name, value in message.headers])
            for message in messages
        ]
        offsets = [message.offset for message in messages]
        return [CleanBatch(batch.lane, records, offsets, batch.upto, read=len(records), envelopes=envelopes)]


def copy(config: str) -> int:
    """Run *config* as the program does, in the same process and with everything around it; only the redaction is left out."""
    flow.Lanes = Copying  # type: ignore[misc] # a class in the place of another: all else stays the program's
    return run(config)


def run(config: str) -> int:
    """Run *config* as the program does, and say at the end how long this process could have run and was not let."""
    code = daemon.run(config, once=True)
    schedule = Path("/proc/self/schedstat")  # Linux: nanoseconds run, nanoseconds waited for a core, of the first thread
    ran, waited = schedule.read_text().split()[:2] if schedule.exists() else (0, 0)
    print(f"{SCHEDULED}{int(ran) / 1e9} {int(waited) / 1e9}", file=sys.stderr)
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
