"""How a Kafka cluster is reached: what the configuration may say, and where tokens come from."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import pytest
from aiohttp import web

from sanitizer.sources import KafkaConfig
from sinks.kafka.connection import SparingHandler, client_arguments, cluster
from sinks.kafka.login import Sasl
from sinks.options import Secret, Tls


def connection(**options: Any) -> KafkaConfig:
    return KafkaConfig(**({"bootstrap_servers": "h:9092", "topics": ("t",)} | options))


def test_servers_are_a_list_or_have_commas_and_their_order_means_nothing() -> None:
    assert cluster(connection(bootstrap_servers="b:1, a:1")) == cluster(connection(bootstrap_servers=("a:1", "b:1")))


@pytest.mark.parametrize(
    ("sasl", "tls", "protocol"),
    [(False, False, "PLAINTEXT"), (True, False, "SASL_PLAINTEXT"), (False, True, "SSL"), (True, True, "SASL_SSL")],
)
def test_the_protocol_follows_from_what_is_told(sasl: bool, tls: bool, protocol: str) -> None:
    login = Sasl(username="u", password=Secret("p")) if sasl else None
    assert client_arguments(connection(sasl=login, tls=Tls() if tls else None))["security_protocol"] == protocol


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"username": "u"}, "PLAIN takes `username` and `password`"),
        ({"mechanism": "SCRAM-SHA-512"}, "SCRAM-SHA-512 takes"),
        ({"mechanism": "OAUTHBEARER"}, "exactly one of"),
        ({"mechanism": "OAUTHBEARER", "token_file": "/a", "token_command": ["b"]}, "exactly one of"),
        ({"mechanism": "OAUTHBEARER", "token_url": "http://x"}, "`token_url` needs"),
        ({"mechanism": "GSSAPI"}, "Invalid enum value"),
    ],
)
def test_a_login_that_lacks_something_says_what(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert(said, Sasl)


@pytest.mark.parametrize("said", [{"topics": []}, {"pattern": "("}])
def test_a_source_needs_topics_or_a_good_pattern(said: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="`pattern`"):
        msgspec.convert({"type": "kafka", "bootstrap_servers": "h:1"} | said, KafkaConfig)


def test_the_librarys_troubles_are_told_once_in_a_while_and_its_debugging_never(caplog: pytest.LogCaptureFixture) -> None:
    client_arguments(connection())
    library = logging.getLogger("aiokafka.client")
    (handler,) = [each for each in logging.getLogger("aiokafka").handlers if isinstance(each, SparingHandler)]
    handler._told.clear()
    with caplog.at_level(logging.DEBUG):
        library.debug("Sending (key=%s value=%s)", b"k", b"planted")
        for port in range(20):
            library.error("Unable connect to %s", f"h:{port}")
    told = [record.getMessage() for record in caplog.records if record.name == "sinks.kafka.connection"]
    assert told == ["Unable connect to h:0"]
    assert "planted" not in caplog.text


async def token(**said: Any) -> str:
    arguments = client_arguments(connection(sasl=Sasl(mechanism="OAUTHBEARER", **said)))
    answer: str = await arguments["sasl_oauth_token_provider"].token()
    return answer


async def test_a_token_command_that_fails_says_so_and_shows_nothing() -> None:
    assert await token(token_command=(sys.executable, "-c", "print('t1')")) == "t1"
    with pytest.raises(OSError, match="status 3 and a token") as trouble:
        await token(token_command=(sys.executable, "-c", "print('t1'); raise SystemExit(3)"))
    assert "t1" not in str(trouble.value)


async def test_a_token_is_asked_of_an_endpoint_once_until_it_is_about_to_expire() -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    async def grant(request: web.Request) -> web.Response:
        asked.append((request.headers["Authorization"], dict(await request.post())))
        return web.json_response({"access_token": f"t{len(asked)}", "expires_in": 300})

    app = web.Application()
    app.router.add_post("/token", grant)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        sasl = Sasl(
            mechanism="OAUTHBEARER", token_url=f"{address}/token", client_id="id", client_secret=Secret("s:1"), scope="kafka"
        )
        provider = client_arguments(connection(sasl=sasl))["sasl_oauth_token_provider"]
        assert [await provider.token(), await provider.token()] == ["t1", "t1"]
        with pytest.raises(OSError, match=r"sasl\.token_url answered 404"):
            await token(token_url=f"{address}/nowhere", client_id="id", client_secret=Secret("s"))
    finally:
        await runner.cleanup()
    assert asked == [("Basic aWQ6cyUzQTE=", {"grant_type": "client_credentials", "scope": "kafka"})]
