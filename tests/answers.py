"""A peer that speaks HTTP and answers as told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], web.Response]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[str, list[tuple[web.Request, bytes]]]]:
    """A collector that answers as told: its address, and what it was asked."""
    asked: list[tuple[web.Request, bytes]] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append((request, await request.read()))
        return answer(request)

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/{path:.*}", handle)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()
