"""What sinks can be told in common, under the same names everywhere. A sink's config struct inherits `SinkOptions`.

Everything here is light to import: what opens a connection is imported where it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from sanitizer.model import Kind

if TYPE_CHECKING:
    import ssl

Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]
Compression = Literal["none", "gzip", "zstd"]
Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://(?:[^\s/?#@]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?::\d{1,5})?(?:[/?#]\S*)?$",
        description="an address such as https://siem.example.com:8088/path",
    ),
]
AuditView = Literal["native", "otel", "ocsf", "ecs", "cef", "mcpatlas", "atoms"]


class Secret:
    """Text that no `repr`, log line or error shows. Configuration writes it as `${NAME}`, `${file:/path}` or `file:/path`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the configuration: immutable, and an unknown key in it is a fault."""


class Tls(Options, frozen=True):
    """Transport security; with `cert_file` the client shows a certificate of its own (mutual TLS)."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: Secret | None = None
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """The context of these files, TLS 1.2 or newer; raises `OSError` when one cannot be read."""
        import ssl  # noqa: PLC0415 - only who opens a connection pays for it

        made = ssl.create_default_context(cafile=self.ca_file)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            password = self.key_password.reveal() if self.key_password else None
            made.load_cert_chain(self.cert_file, self.key_file, password)
        return made


class Login(Options, frozen=True):
    """A name and a password, as HTTP's `Basic` scheme sends them (RFC 7617)."""

    username: str
    password: Secret

    def authorization(self) -> str:
        """The value of the header."""
        import base64  # noqa: PLC0415 - only who logs in pays for it

        return f"Basic {base64.b64encode(f'{self.username}:{self.password.reveal()}'.encode()).decode()}"


class Retries(Options, frozen=True):
    """How often what may succeed later is tried again: forever unless bounded, at random moments that grow apart."""

    max_attempts: Count | None = None
    first_delay_secs: Seconds = 0.2
    max_delay_secs: Seconds = 30.0


class Filter(Options, frozen=True):
    """Which records a sink gets. Fields are named with dots; values are shell globs; every condition must hold."""

    min_level: Level | None = None
    fields: dict[str, str] = {}
    without: dict[str, str] = {}


class SinkOptions(Options, frozen=True):
    """What every sink can be told.

    `name` tells two sinks of one type apart (in metrics, dead letters and the spool); `max_batch_secs` is how long a record
    may wait for company; `when_down` says whether a sink that is down holds the others back (`wait`) or its share is kept on
    disk meanwhile (`spill`). Sends of one lane never overlap; `concurrency` lanes are sent at a time. A sink that receives
    `audit` gets its events as they are sealed, or under the names of another system (`audit_view`).
    """

    name: str = ""
    receives: Annotated[tuple[Kind, ...], Meta(min_length=1)] = ("logs",)
    audit_view: AuditView = "native"
    max_batch_bytes: Bytes = 1 << 20
    max_batch_records: Count = 10_000
    max_batch_secs: Seconds = 0.02
    concurrency: Count = 4
    timeout_secs: Annotated[float, Meta(gt=0)] | None = 30.0
    filter: Filter | None = None
    when_down: Literal["wait", "spill"] = "wait"
    retry: Retries = Retries()
