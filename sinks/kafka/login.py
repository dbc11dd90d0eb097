"""How a Kafka client logs in, and where its tokens come from."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote_plus

from msgspec import field

from sinks.options import Options, Secret

if TYPE_CHECKING:
    from aiokafka.abc import AbstractTokenProvider

TOKEN_SECS = 30.0


class Sasl(Options, frozen=True, kw_only=True):
    """How to log in.

    PLAIN and SCRAM take `username` and `password`. OAUTHBEARER takes its token from one of: `token`; `token_file`, read anew for
    each login; `token_command`, whose standard output it is; `token_url`, asked with the client credentials grant (RFC 6749
    section 4.4) by `client_id`, `client_secret` and `scope`.
    """

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "PLAIN"
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    token_file: str | None = None
    token_command: tuple[str, ...] = ()
    token_url: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mechanism == "OAUTHBEARER":
            origins = [self.token, self.token_file, self.token_command, self.token_url]
            if sum(map(bool, origins)) != 1:
                raise ValueError("OAUTHBEARER takes exactly one of `token`, `token_file`, `token_command` and `token_url`")
            if self.token_url and not (self.client_id and self.client_secret):
                raise ValueError("`token_url` needs `client_id` and `client_secret`")
        elif self.username is None or self.password is None:
            raise ValueError(f"{self.mechanism} takes `username` and `password`")


def token_provider(sasl: Sasl) -> AbstractTokenProvider:
    """What gives a client the bearer tokens of *sasl*."""
    from aiokafka.abc import AbstractTokenProvider  # noqa: PLC0415

    class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]
        """Gives a client its bearer token; one asked of a token endpoint is kept until shortly before it expires."""

        def __init__(self) -> None:
            self._granted = ""
            self._good_until = 0.0

        async def token(self) -> str:
            if sasl.token:
                return sasl.token.reveal()
            if sasl.token_file:
                return (await asyncio.to_thread(Path(sasl.token_file).read_text)).strip()
            if sasl.token_command:
                return await _run_token_command(sasl.token_command)
            if time.monotonic() >= self._good_until:
                self._granted, lifetime_secs = await _request_token(sasl)
                self._good_until = time.monotonic() + lifetime_secs * 0.8
            return self._granted

        def extensions(self) -> Mapping[str, str]:
            return sasl.extensions

    return TokenProvider()


async def _run_token_command(command: tuple[str, ...]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(TOKEN_SECS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not output.strip():
        raise OSError(f"sasl.token_command ended with status {process.returncode} and {'a' if output.strip() else 'no'} token")
    return output.decode().strip()


async def _request_token(sasl: Sasl) -> tuple[str, float]:
    """Ask the token endpoint; returns the token and its lifetime in seconds (RFC 6749 section 5.1)."""
    import aiohttp  # noqa: PLC0415

    form = {"grant_type": "client_credentials"} | ({"scope": sasl.scope} if sasl.scope else {})
    secret = sasl.client_secret.reveal() if sasl.client_secret else ""
    login = f"{quote_plus(sasl.client_id or '')}:{quote_plus(secret)}"  # RFC 6749 section 2.3.1
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    timeout = aiohttp.ClientTimeout(total=TOKEN_SECS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(sasl.token_url or '', data=form, headers=headers) as answer,
    ):
        if answer.status != 200:
            raise OSError(f"sasl.token_url answered {answer.status}")
        granted = await answer.json()
    return str(granted["access_token"]), float(granted.get("expires_in", 300))
