"""How to reach a Kafka cluster: what the Kafka source and the Kafka sink share."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from msgspec import Meta

from sinks.kafka.login import Sasl, token_provider
from sinks.options import Tls

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

CONNECT_SECS = 1.0
REPEAT_SECS = 30.0


Servers = Annotated[str, Meta(min_length=1)] | Annotated[tuple[str, ...], Meta(min_length=1)]
"""`host:port` of some brokers of a cluster, as a list or with commas."""


class Connection(Protocol):
    """What the configurations of the source and of the sink both say of their cluster."""

    @property
    def bootstrap_servers(self) -> str | tuple[str, ...]: ...
    @property
    def client_id(self) -> str: ...
    @property
    def sasl(self) -> Sasl | None: ...
    @property
    def tls(self) -> Tls | None: ...
    @property
    def request_timeout_secs(self) -> float: ...
    @property
    def metadata_max_age_secs(self) -> float: ...


def cluster(connection: Connection) -> tuple[str, ...]:
    """The bootstrap servers, sorted: by them two connections are known to lead to one cluster."""
    servers = connection.bootstrap_servers
    return tuple(sorted(server.strip() for server in (servers.split(",") if isinstance(servers, str) else servers)))


def client_arguments(connection: Connection) -> dict[str, Any]:
    """The keyword arguments that every client of `aiokafka` takes; raises `OSError` when a certificate cannot be read."""
    _tame_the_librarys_log()
    sasl, tls = connection.sasl, connection.tls
    arguments: dict[str, Any] = {
        "bootstrap_servers": list(cluster(connection)),
        "client_id": connection.client_id,
        "request_timeout_ms": int(connection.request_timeout_secs * 1000),
        "metadata_max_age_ms": int(connection.metadata_max_age_secs * 1000),
        "security_protocol": ("SASL_" if sasl else "") + ("SSL" if tls else "PLAINTEXT"),
    }
    if tls:
        arguments["ssl_context"] = tls.context()
    if sasl:
        arguments["sasl_mechanism"] = sasl.mechanism
        if sasl.mechanism == "OAUTHBEARER":
            arguments["sasl_oauth_token_provider"] = token_provider(sasl)
        else:
            arguments["sasl_plain_username"] = sasl.username
            arguments["sasl_plain_password"] = sasl.password.reveal() if sasl.password else None
    return arguments


class SparingHandler(logging.Handler):
    """Passes on the library's troubles, each kind at most every `REPEAT_SECS`: a broker that is away is reported ten times a
    second. Tracebacks are left out."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now - self._told.get(str(record.msg), -REPEAT_SECS) >= REPEAT_SECS:
            self._told[str(record.msg)] = now
            log.log(record.levelno, "%s", record.getMessage())


def _tame_the_librarys_log() -> None:
    library = logging.getLogger("aiokafka")
    library.setLevel(logging.WARNING)  # below, it logs what it sends and receives
    library.propagate = False
    if not any(isinstance(handler, SparingHandler) for handler in library.handlers):
        library.addHandler(SparingHandler())


class Client(Protocol):
    """A producer or consumer of `aiokafka`."""

    async def start(self) -> None: ...


async def start_client(client: Client) -> None:
    """Start *client*. When cancelled, give it a moment first: one that is cancelled as it connects leaves the connection open."""
    starting = asyncio.ensure_future(client.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait((starting,), timeout=CONNECT_SECS)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise
