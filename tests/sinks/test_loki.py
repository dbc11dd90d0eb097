"""Entries of Loki's push API."""

from __future__ import annotations

import gzip

import orjson
from aiohttp import web
from answers import answering
from fakes import batch

from sanitizer.model import Receipt
from sinks.loki import LokiConfig
from sinks.options import Login, Secret


async def test_each_record_is_an_entry_of_one_stream_with_its_time() -> None:
    config = {"labels": {"job": "crm"}, "tenant": "acme", "login": Login(username="me", password=Secret("pw"))}
    async with answering(lambda _: web.Response(status=204)) as (address, asked), LokiConfig(url=address, **config).open() as sink:  # type: ignore[arg-type]
        assert await sink.send(batch(b'{"time":"2026-01-02T03:04:05Z","message":"one"}', b"caf\xc3\xa9 \xff")) == Receipt()
    request, body = asked[0]
    (stream,) = orjson.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)["streams"]

    assert request.path == "/loki/api/v1/push"
    assert request.headers["X-Scope-OrgID"] == "acme"
    assert request.headers["Authorization"] == "Basic bWU6cHc="
    assert stream["stream"] == {"job": "crm"}
    assert stream["values"][0] == ["1767323045000000000", '{"time":"2026-01-02T03:04:05Z","message":"one"}']
    assert stream["values"][1][1] == "café \ufffd"
