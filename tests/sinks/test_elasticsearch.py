"""Documents of a bulk, and what an answer says of each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiohttp import web
from answers import answering
from fakes import batch

from sanitizer.model import Receipt, Retry
from sinks.elasticsearch import ElasticsearchConfig
from sinks.options import Login, Secret

RECORDS = (b'{"timestamp":"2026-01-02T03:04:05Z","message":"one"}', b'{"@timestamp":"2026-01-02","message":"two"}', b"plain text")


async def sent(answer: bytes = b"{}", status: int = 200, **options: Any) -> tuple[Receipt, web.Request, list[dict[str, Any]]]:
    def respond(_: web.Request) -> web.Response:
        return web.Response(status=status, body=answer, content_type="application/json")

    async with answering(respond) as (address, asked), ElasticsearchConfig(url=address, **options).open() as sink:
        receipt = await sink.send(batch(*RECORDS))
    request, body = asked[0]
    return receipt, request, [orjson.loads(line) for line in body.splitlines()]


def items(*statuses: int, error: object = None) -> bytes:
    told = {} if error is None else {"error": error}
    return orjson.dumps({"errors": True, "items": [{"create": {"status": status} | told} for status in statuses]})


async def test_each_record_is_a_document_under_an_id_of_its_own_with_a_time() -> None:
    receipt, request, lines = await sent(index="logs-mcp", pipeline="geo")

    assert receipt == Receipt()
    assert request.path_qs.startswith("/_bulk?")
    assert request.query["pipeline"] == "geo"
    assert {line["create"]["_index"] for line in lines[::2]} == {"logs-mcp"}
    assert len({line["create"]["_id"] for line in lines[::2]}) == 3
    assert lines[1::2] == [
        {"@timestamp": "2026-01-02T03:04:05.000000Z", "timestamp": "2026-01-02T03:04:05Z", "message": "one"},
        {"@timestamp": "2026-01-02", "message": "two"},
        {"@timestamp": lines[5]["@timestamp"], "message": "plain text"},
    ]


async def test_what_is_sent_again_has_the_same_ids() -> None:
    first, again = (await sent())[2], (await sent())[2]

    assert first[::2] == again[::2]


async def test_a_document_that_is_there_already_is_stored() -> None:
    receipt, *_ = await sent(items(201, 409, 200))

    assert not receipt.rejected
    assert not receipt.pending


async def test_an_item_is_refused_for_good_or_comes_again() -> None:
    error = {"type": "mapper_parsing_exception", "reason": "failed to parse [planted-text]"}
    receipt, *_ = await sent(items(400, 429, 503, error=error))

    assert [(each.index, each.reason) for each in receipt.rejected] == [(0, "status 400 mapper_parsing_exception")]
    assert list(receipt.pending) == [1, 2]


@pytest.mark.parametrize("error", ["planted-text", {"type": "planted text"}, {"type": 7}])
async def test_no_words_of_the_peer_are_kept(error: object) -> None:
    receipt, *_ = await sent(items(400, 400, 400, error=error))

    assert {each.reason for each in receipt.rejected} == {"status 400"}


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"errors":true}', b'{"errors":true,"items":[{}]}', items(201)])
async def test_an_answer_that_makes_no_sense_is_no_receipt(answer: bytes) -> None:
    with pytest.raises(Retry):
        await sent(answer)


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"api_key": Secret("abc")}, "ApiKey abc"),
        ({"login": Login(username="me", password=Secret("pw"))}, "Basic bWU6cHc="),
        ({"headers": {"Authorization": Secret("Bearer x")}}, "Bearer x"),
    ],
)
async def test_it_says_who_writes(options: dict[str, Any], header: str) -> None:
    assert (await sent(**options))[1].headers["Authorization"] == header
