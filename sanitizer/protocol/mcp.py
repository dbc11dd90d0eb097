"""JSON-RPC and MCP frames as facts: what was asked, of whom, how it ended; never params, results or error texts.

Both eras are read: sessions and `initialize` (specification revisions 2024-11-05 to 2025-11-25), and the per-request
`_meta` envelope of 2026-07-28. What the peers say of themselves (client and server names) is unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from sanitizer import patterns
from sanitizer.hashing import Keyring

FrameKind = Literal["request", "notification", "response", "error", "call"]
Direction = Literal["c2s", "s2c", ""]
Transport = Literal["stdio", "http", "log", ""]
Id = int | str | None

MAX_NAME_BYTES, MAX_ID_BYTES, _MAX_CACHED_NAMES = 512, 64, 4096
_CONTROLS = patterns.lazy("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_META = "io.modelcontextprotocol/"
ABSENT = msgspec.Raw(b"")
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

KNOWN_METHODS = frozenset(
    b'"%s"' % name
    for name in b"""
    initialize ping server/discover subscriptions/listen logging/setLevel completion/complete
    tools/list tools/call prompts/list prompts/get resources/list resources/read resources/templates/list resources/subscribe
    resources/unsubscribe sampling/createMessage elicitation/create roots/list tasks/get tasks/result tasks/list tasks/cancel
    notifications/initialized notifications/cancelled notifications/progress notifications/message
    notifications/roots/list_changed notifications/tools/list_changed notifications/prompts/list_changed notifications/tasks/status
    notifications/resources/list_changed notifications/resources/updated notifications/elicitation/complete
    """.split()
)


class Frame(msgspec.Struct, gc=False, omit_defaults=True):
    """The facts of one frame, or of one logged call (`kind` "call"). Every text in it is clean. Who knows more completes it."""

    kind: FrameKind
    size: int
    """Bytes of the frame as it was written."""
    direction: Direction = ""
    method: str = ""
    name: str = ""
    """The tool, the prompt or the resource URI."""
    id: Id = None
    """None for notifications; `1` and `"1"` are different ids."""
    params_hash: str = ""
    code: int | None = None
    is_error: bool = False
    """`result.isError`: the tool failed, the protocol did not."""
    result_type: str = ""
    request_state: str = ""
    """Keyed digest of an opaque `requestState`: what ties the parts of one logical call together."""
    is_retry: bool = False
    """The request carries `inputResponses` or `requestState`: it continues an earlier one."""
    progress_token: Id = None
    cancels: Id = None
    session: str = ""
    protocol: str = ""
    client_name: str = ""
    client_version: str = ""
    server_name: str = ""
    traceparent: str = ""
    time_ns: int = 0
    """When the record says it happened, nanoseconds since the epoch; 0 when it does not say."""
    latency_ms: float | None = None
    """How long the call took, where a record of one that is over says so."""
    denied: bool = False
    transport: Transport = ""
    """What the frame travelled by, where its record says so."""
    facts: dict[str, str] = {}
    """Found around the frame: server, client_ip, user, project, subject_type, subject_id, actor_kind."""
    redactions: dict[str, int] | None = None
    """Redactions in the frame's record, by kind."""
    offset: int | None = None
    lane: str = ""
    """Where its record begins, and in which lane unless it is its log's first: the same when read again. None on the wire."""


class Exposure(msgspec.Struct, frozen=True, gc=False):
    """That a live-looking credential stood in a record: found by *rule*, and known by the keyed digest of its text."""

    rule: str
    fingerprint: str
    count: int = 1
    server: str = ""
    tool: str = ""


class _Meta(msgspec.Struct, gc=False):
    progress: msgspec.Raw = msgspec.field(default=ABSENT, name="progressToken")
    traceparent: msgspec.Raw = ABSENT
    protocol: msgspec.Raw = msgspec.field(default=ABSENT, name=f"{_META}protocolVersion")
    client: msgspec.Raw = msgspec.field(default=ABSENT, name=f"{_META}clientInfo")
    server: msgspec.Raw = msgspec.field(default=ABSENT, name=f"{_META}serverInfo")


class Asked(msgspec.Struct, gc=False):
    """The parts of `params` that something is known about, still raw."""

    name: msgspec.Raw = ABSENT
    uri: msgspec.Raw = ABSENT
    arguments: msgspec.Raw = ABSENT
    meta: msgspec.Raw = msgspec.field(default=ABSENT, name="_meta")
    responses: msgspec.Raw = msgspec.field(default=ABSENT, name="inputResponses")
    state: msgspec.Raw = msgspec.field(default=ABSENT, name="requestState")
    cancels: msgspec.Raw = msgspec.field(default=ABSENT, name="requestId")
    progress: msgspec.Raw = msgspec.field(default=ABSENT, name="progressToken")
    protocol: msgspec.Raw = msgspec.field(default=ABSENT, name="protocolVersion")
    client: msgspec.Raw = msgspec.field(default=ABSENT, name="clientInfo")


class _Answer(msgspec.Struct, gc=False):
    is_error: msgspec.Raw = msgspec.field(default=ABSENT, name="isError")
    kind: msgspec.Raw = msgspec.field(default=ABSENT, name="resultType")
    state: msgspec.Raw = msgspec.field(default=ABSENT, name="requestState")
    meta: msgspec.Raw = msgspec.field(default=ABSENT, name="_meta")
    protocol: msgspec.Raw = msgspec.field(default=ABSENT, name="protocolVersion")
    server: msgspec.Raw = msgspec.field(default=ABSENT, name="serverInfo")


class _Fault(msgspec.Struct, gc=False):
    code: msgspec.Raw = ABSENT


class _Peer(msgspec.Struct, gc=False):
    name: msgspec.Raw = ABSENT
    version: msgspec.Raw = ABSENT


_read_meta = msgspec.json.Decoder(_Meta).decode
_read_asked = msgspec.json.Decoder(Asked).decode
_read_answer = msgspec.json.Decoder(_Answer).decode
_read_fault = msgspec.json.Decoder(_Fault).decode
_read_peer = msgspec.json.Decoder(_Peer).decode
_NO_META, _NO_PEER = _Meta(), _Peer()


def asked(params: bytes) -> Asked | None:
    """The known parts of *params*; None when it is no JSON object."""
    try:
        return _read_asked(params)
    except _UNREADABLE:
        return None


class Reader:
    """Makes frames. Names and ids are the sender's to choose, so each goes through *clean*, and what is opaque is hashed."""

    __slots__ = ("_clean", "_keyring", "_names")

    def __init__(self, keyring: Keyring, clean: Callable[[bytes], bytes]) -> None:
        self._keyring = keyring
        self._clean = clean
        self._names: dict[bytes | str, str] = {}

    def request(self, fields: Mapping[str, msgspec.Raw], params: Asked | None, params_hash: str, size: int) -> Frame:
        """The frame of a request, or of a notification when it has no id."""
        method = bytes(fields["method"])
        kind: FrameKind = "notification" if "id" not in fields else "request"
        if params is None:
            return Frame(kind, size, "", self.name(method), "", self._id(fields.get("id", ABSENT)), params_hash)
        meta = _meta(params.meta)
        peer = _peer(meta.client if meta.client is not ABSENT else params.client)
        protocol = meta.protocol if meta.protocol is not ABSENT else params.protocol
        return Frame(
            kind,
            size,
            method=self.name(method),
            name=self.name(params.name if params.name is not ABSENT else params.uri),
            id=self._id(fields.get("id", ABSENT)),
            params_hash=params_hash,
            request_state=self._opaque(params.state),
            is_retry=params.responses is not ABSENT or params.state is not ABSENT,
            progress_token=self._id(params.progress if meta.progress is ABSENT else meta.progress),
            cancels=self._id(params.cancels),
            protocol=self.name(protocol),
            client_name=self.name(peer.name),
            client_version=self.name(peer.version),
            traceparent=self.name(meta.traceparent),
        )

    def response(self, fields: Mapping[str, msgspec.Raw], size: int) -> Frame:
        """The frame of a response: `kind` "error" with its code, else "response" with what its result says of itself."""
        name = self._id(fields.get("id", ABSENT))
        if (fault := fields.get("error")) is not None and bytes(fault) != b"null":
            return Frame("error", size, id=name, code=_code(fault))
        try:
            answer = _read_answer(fields["result"])
        except (KeyError, *_UNREADABLE):
            return Frame("response", size, id=name)
        peer = _peer(answer.server if answer.server is not ABSENT else _meta(answer.meta).server)
        return Frame(
            "response",
            size,
            id=name,
            is_error=answer.is_error is not ABSENT and bytes(answer.is_error) == b"true",
            result_type=self.name(answer.kind),
            request_state=self._opaque(answer.state),
            protocol=self.name(answer.protocol),
            server_name=self.name(peer.name),
        )

    def bodyless(self, method: str, name: bytes, part: str) -> Frame | None:
        """The frame of which a log says only *method*, id *name* (JSON, or a bare word) and *part* (params, result or error)."""
        spelled = name if name[:1] == b'"' or name.lstrip(b"-").isdigit() else msgspec.json.encode(name.decode("utf-8", "replace"))
        found = self._id(msgspec.Raw(spelled)) if name else None
        if method:
            kind: FrameKind = "request" if name else "notification"
            return Frame(kind, 0, method=self.name(msgspec.json.encode(method)), id=found)
        return Frame("response" if part == "result" else "error", 0, id=found) if part in ("result", "error") else None

    def name(self, raw: msgspec.Raw | bytes | str) -> str:
        """The clean text of a raw JSON string, or of one that is decoded already; empty for anything else."""
        if raw is ABSENT:
            return ""
        data = raw if isinstance(raw, str) else bytes(raw)
        if (known := self._names.get(data)) is not None:
            return known
        text = self._text(msgspec.json.encode(data) if isinstance(data, str) else data)
        if len(self._names) >= _MAX_CACHED_NAMES:
            self._names.clear()
        if len(data) <= MAX_NAME_BYTES:
            self._names[data] = text
        return text

    def _text(self, data: bytes) -> str:
        value = _scalar(data)
        if not isinstance(value, str):
            return ""
        if data in KNOWN_METHODS:
            return value
        text = value.encode("utf-8", "replace")
        if len(text) > MAX_NAME_BYTES:
            # Cut after cleaning: a cut secret might not be recognised as one.
            return printable(self._clean(text)[:MAX_NAME_BYTES].decode("utf-8", "ignore") + "…")
        return printable(self._clean(text).decode("utf-8", "replace"))

    def _id(self, raw: msgspec.Raw) -> Id:
        """A request id as it pairs: its type is kept, and a string that had to be redacted stays distinct."""
        if raw is ABSENT:
            return None
        data = bytes(raw)
        if data.isdigit() and len(data) < 19:
            return int(data)
        value = _scalar(data)
        if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
            return value
        if not isinstance(value, str):
            return None if value is None else self._pseudonym(data)
        text = value.encode("utf-8", "replace")
        keeps = len(text) <= MAX_ID_BYTES and printable(value) == value and self._clean(text) == text
        return value if keeps else self._pseudonym(text)

    def _pseudonym(self, data: bytes) -> str:
        return f"[id:{self._keyring.pseudonym(b'id', data).decode()}]"

    def _opaque(self, raw: msgspec.Raw) -> str:
        return "" if raw is ABSENT else self._keyring.params_hash(_scalar(bytes(raw)))


def printable(text: str) -> str:
    """*text* with a mark in the place of each character that could drive a terminal, or be spelled in more than one way in JSON."""
    return text if text.isprintable() else _CONTROLS.sub("\ufffd", text)


def _scalar(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except _UNREADABLE:
        return None


def _meta(raw: msgspec.Raw) -> _Meta:
    try:
        return _NO_META if raw is ABSENT else _read_meta(raw)
    except _UNREADABLE:
        return _NO_META


def _peer(raw: msgspec.Raw) -> _Peer:
    try:
        return _NO_PEER if raw is ABSENT else _read_peer(raw)
    except _UNREADABLE:
        return _NO_PEER


def _code(fault: msgspec.Raw) -> int | None:
    try:
        code = _scalar(bytes(_read_fault(fault).code))
    except _UNREADABLE:
        return None
    return code if isinstance(code, int) and not isinstance(code, bool) and -(2**63) <= code < 2**63 else None
