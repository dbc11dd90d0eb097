"""Health, readiness, metrics and a status page over HTTP. Nothing of any record is shown; names are escaped."""

from __future__ import annotations

import html
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sanitizer.service.settings import Admin
from sanitizer.service.telemetry import Metrics

if TYPE_CHECKING:
    from aiohttp import web

Status = Callable[[], Mapping[str, str]]
"""What is to be said on the status page: sinks and whether they take records, the rules' digest, the last reload."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>sanitizer</title>
<style>body{{font:16px/1.5 system-ui;margin:2rem}}td{{padding:.1rem 1rem .1rem 0}}td+td{{font-family:monospace}}</style>
<h1>sanitizer</h1><table>{rows}</table></html>
"""


@asynccontextmanager
async def serve(options: Admin, metrics: Metrics, ready: Callable[[], bool], status: Status) -> AsyncGenerator[int]:
    """Answer until left; yields the port. Raises `OSError` when the address is taken."""
    from aiohttp import web  # noqa: PLC0415 - only who asks for the page pays for it

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if ready() else web.Response(text="not ready\n", status=503)

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=metrics.text(), content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})

    async def page(_: web.Request) -> web.Response:
        facts = {**status(), **{f"{name} {label}".strip(): f"{value:g}" for name, label, value in metrics.values()}}
        rows = "".join(f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>" for name, value in facts.items())
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=_PAGE.format(rows=rows), content_type="text/html", headers=policy)

    application = web.Application()
    routes = {"/healthz": healthz, "/readyz": readyz, "/metrics": show, "/": page}
    application.add_routes([web.get(path, handler) for path, handler in routes.items()])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
