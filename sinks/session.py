"""Requests of the sinks that speak HTTP: connections stay open between batches, and trouble is told without the record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from sanitizer.model import Retry
from sinks.options import Tls

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER = 16 << 20
"""Bytes of an answer that are read: a bulk of ten thousand records is answered record by record."""


class Answer(NamedTuple):
    """What a peer said: its status, its `Retry-After`, and the beginning of its body, which may quote a record."""

    status: int
    retry_after: str | None
    body: bytes


class Session:
    """A pool of connections to one peer."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, url: str, body: bytes, headers: Mapping[str, str], method: str = "POST") -> Answer:
        """The peer's answer, whatever it is; raises `Retry` where there is none. Redirects are answers: they are not followed."""
        import aiohttp  # noqa: PLC0415 - only who sends over HTTP pays for it

        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as response:
                return Answer(response.status, response.headers.get("Retry-After"), await _beginning(response))
        except aiohttp.ClientError as trouble:
            raise Retry(_reason(trouble)) from None
        except ValueError:  # a URL that is none, or credentials of it, or of ~/.netrc, beside an Authorization header
            raise Retry("an address that cannot be used with these headers") from None


def _reason(trouble: Exception) -> str:
    """Why there is no answer, in the words of the system or of TLS; a library's own may quote what was sent."""
    certificate = getattr(trouble, "certificate_error", None)
    told = getattr(certificate, "verify_message", None) or getattr(trouble, "strerror", None)
    return str(told) if told else type(trouble).__name__


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    left = MAX_ANSWER
    while left > 0 and (part := await response.content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


@asynccontextmanager
async def open_session(concurrency: int, tls: Tls | None) -> AsyncGenerator[Session]:
    """Connections are made when they are needed, *concurrency* at most; delivery bounds the time of a request."""
    import aiohttp  # noqa: PLC0415 - as above

    connector = aiohttp.TCPConnector(limit=concurrency, ssl=tls.context() if tls else True)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True) as session:
        yield Session(session)
