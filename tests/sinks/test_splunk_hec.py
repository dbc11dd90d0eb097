"""Events of Splunk's collector, its answers, and its indexers' acknowledgement."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiohttp import web
from answers import Answer, answering
from fakes import batch

from sanitizer.model import Receipt, Rejection, Retry
from sinks import splunk_hec
from sinks.options import Secret
from sinks.splunk_hec import SplunkHecConfig

RECORDS = (b'{"time":"2026-01-02T03:04:05.5Z","message":"one"}', b"plain text", b'{"message":"three"}')
Asked = list[tuple[web.Request, bytes]]


async def sent(answer: Answer, **options: Any) -> tuple[Receipt, Asked]:
    async with answering(answer) as (address, asked), SplunkHecConfig(url=address, token=Secret("t0k"), **options).open() as sink:
        return await sink.send(batch(*RECORDS)), asked


def saying(status: int, **told: object) -> Answer:
    return lambda _: web.json_response({name.replace("_", "-"): value for name, value in told.items()}, status=status)


async def test_each_record_is_an_event_with_its_time_and_its_id() -> None:
    receipt, asked = await sent(saying(200, code=0), index="mcp", source="crm", compression="none")
    request, body = asked[0]
    first, second, third = (orjson.loads(line) for line in body.splitlines())

    assert receipt == Receipt()
    assert request.path == "/services/collector/event"
    assert request.headers["Authorization"] == "Splunk t0k"
    assert first == {
        "time": 1767323045.5,
        "index": "mcp",
        "source": "crm",
        "sourcetype": "mcp:log",
        "fields": {"record_id": "lane:0"},
        "event": orjson.loads(RECORDS[0]),
    }
    assert (second["event"], third["fields"]) == ("plain text", {"record_id": "lane:2"})


async def test_an_event_at_fault_is_refused_and_all_others_come_again() -> None:
    receipt, _ = await sent(saying(400, text="planted-text", code=6, invalid_event_number=1))

    assert receipt == Receipt([Rejection(1, "code 6")], [0, 2])


@pytest.mark.parametrize("told", [{"code": 7, "invalid_event_number": 0}, {"code": 6}, {"code": 6, "invalid_event_number": 9}])
async def test_a_wrong_index_or_channel_is_the_operators_to_mend(told: dict[str, object]) -> None:
    with pytest.raises(Retry, match="code"):
        await sent(saying(400, **told))


async def test_a_wrong_token_is_no_reason_to_lose_a_record() -> None:
    with pytest.raises(Retry, match="403"):
        await sent(saying(403, code=4))


async def test_with_acknowledgement_a_batch_is_delivered_when_the_indexers_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splunk_hec, "ASK_AGAIN_SECS", 0.001)
    questions = 0

    def answer(request: web.Request) -> web.Response:
        nonlocal questions
        if not request.path.endswith("/ack"):
            return web.json_response({"code": 0, "ackId": 7})
        questions += 1
        return web.json_response({"acks": {"7": questions > 2}})

    receipt, asked = await sent(answer, acknowledge=True)

    assert receipt == Receipt()
    assert questions == 3
    assert asked[1][0].query["channel"] == asked[0][0].headers["X-Splunk-Request-Channel"]
    assert orjson.loads(asked[1][1]) == {"acks": [7]}


async def test_a_token_without_acknowledgement_is_told_of() -> None:
    with pytest.raises(Retry, match="acknowledgement is off"):
        await sent(saying(200, code=0), acknowledge=True)
