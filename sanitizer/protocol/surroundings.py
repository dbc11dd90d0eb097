"""What a record says around a frame, or instead of one: when, which way, of which server, by whom.

Client logs name the direction and the server before a message, some leave the message out (`method="tools/call" id=3 params`) or
tell only how a tool call ended; access logs tell who was turned away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec

from sanitizer import patterns
from sanitizer.hashing import Keyring
from sanitizer.protocol.calls import tells_of_call
from sanitizer.protocol.mcp import ABSENT, Asked, Direction, Frame, Reader, Transport
from sanitizer.records.textlog import PLAIN_TIME, parse_text
from sanitizer.records.times import unix_nanos

_MAX_HEAD_BYTES, _MAX_KNOWN_BYTES, _MAX_KNOWN = 2_048, 256, 4_096
_TIMES = ("timestamp", "time", "ts", "@timestamp", "asctime", "datetime")
_SESSIONS = ("session_id", "sessionId", "session", "mcp-session-id", "mcp_session_id")
_WAY_NAMES = ("direction", "dir", "from")
_WAYS: Mapping[str, Direction] = {
    **dict.fromkeys(("c2s", "client_to_server", "client", "editor", "inbound", "in", "received"), "c2s"),
    **dict.fromkeys(("s2c", "server_to_client", "server", "outbound", "out", "sent"), "s2c"),
}
_STATUSES = ("outcome", "status", "success", "isError", "is_error")
_ENDS: Mapping[str, str] = {
    **dict.fromkeys(("ok", "success", "succeeded", "completed", "success true", "iserror false", "is_error false"), "ok"),
    **dict.fromkeys(("error", "failed", "failure", "tool_error", "success false", "iserror true", "is_error true"), "error"),
    **dict.fromkeys(("denied", "forbidden", "unauthorized"), "denied"),
}
_HOW: Mapping[str, Mapping[str, object]] = {
    "ok": {"result_type": "complete"}, "error": {"is_error": True}, "denied": {"denied": True},
}  # fmt: skip
_LATENCIES = ("latency_ms", "duration_ms", "elapsed_ms", "latencyMs", "durationMs", "elapsedMs")
_MAX_LATENCY_MS = 1e12
_TRANSPORTS: Mapping[str, Transport] = {
    "stdio": "stdio",
    **dict.fromkeys(("http", "https", "sse", "streamable-http", "streamable_http", "streamablehttp"), "http"),
}
_ENDED = patterns.lazy(
    r"Tool '(?P<tool>[^']{1,200})' (?:(?P<ok>completed successfully in)|failed after) (?P<took>[0-9.]+)(?P<unit>ms|s|m)"
)
_CALLED = re.compile(r"(?:(?P<ok>Successfully called)|Error calling) tool '(?P<tool>[^']{1,200})'")
_ID = patterns.lazy(rb'\bid=("[^"]{0,64}"|[\w.\-]{1,64})')
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000}
_ACCESS = patterns.lazy(
    rb"(?P<ip>[0-9a-fA-F.:]{3,45}?)(?::\d+)? - (?:\S+ \[[^\]]{1,40}\] )?"
    rb'"(?:POST|GET|DELETE) /\S*?(?:mcp|sse|messages?)\S{0,200} HTTP/[\d.]+" (?P<status>401|403)\b'
)
_fields_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


FactName = Literal["user", "project", "subject_type", "subject_id", "actor_kind", "client_ip", "server"]
FactPath = Annotated[str, msgspec.Meta(pattern=r"^(record|arguments|meta)(\.[^.]+)+$")]


class FactPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to find who and what a call concerns. A path is `record.KEY...` (the log object around), `arguments.KEY...` or
    `meta.KEY...` (the request's `_meta`); the first that holds a text or an integer counts.

    Facts are pseudonymised (`[user:6f1c9a42d0b3]`), but for those in `kept`, which are redacted like any text.
    """

    user: tuple[FactPath, ...] = ()
    project: tuple[FactPath, ...] = ()
    subject_type: tuple[FactPath, ...] = ()
    subject_id: tuple[FactPath, ...] = ()
    actor_kind: tuple[FactPath, ...] = ()
    client_ip: tuple[FactPath, ...] = ("record.client_ip", "record.remote_addr", "record.clientIp")
    server: tuple[FactPath, ...] = ("record.server", "record.server_name", "record.mcp_server", "record.serverName")
    kept: tuple[FactName, ...] = ("actor_kind", "client_ip", "server", "subject_type")

    def of(self, root: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The facts to look for under *root*, each with a path of keys."""
        names = [name for name in self.__struct_fields__ if name != "kept"]
        split = [(name, tuple(path.split("."))) for name in names for path in getattr(self, name)]
        return tuple((name, path[1:]) for name, path in split if path[0] == root and len(path) > 1)


class Surroundings:
    """Completes frames with what the record around them says."""

    def __init__(self, keyring: Keyring, reader: Reader, paths: FactPaths | None = None) -> None:
        self._keyring = keyring
        self._reader = reader
        self._kept = (paths := paths or FactPaths()).kept
        self._around = paths.of("record")
        self._heads = frozenset((*_TIMES, *_WAY_NAMES, *_SESSIONS, "transport", *(path[0] for _, path in self._around)))
        self._times_alone = frozenset(_TIMES).difference(path[0] for _, path in self._around)
        self._servers = [(b'"%b"' % path[0].encode(), path) for name, path in self._around if name == "server"]
        self._in_each_mark = _shared([mark for mark, _ in self._servers])
        self._within = {root: paths.of(root) for root in ("arguments", "meta")}
        self.looks_within = any(self._within.values())
        self._known: dict[bytes, dict[str, Any]] = {}

    def within(self, arguments: Any, params: Asked | None) -> dict[str, str]:
        """The facts that the *params* of a call tell, whose *arguments* are read already."""
        found: dict[str, str] = {}
        if not self.looks_within:
            return found
        meta = _value(params.meta) if params is not None and params.meta is not ABSENT else None
        for root, value in (("meta", meta), ("arguments", arguments)):
            for name, path in self._within[root]:
                if name not in found and (text := _at(value, path)) is not None:
                    found[name] = self._fact(name, text)
        return found

    def place(self, record: bytes, frames: Sequence[Frame]) -> Sequence[Frame]:
        """*frames*, found in *record*, completed with what the rest of it tells; a JSON-RPC frame that is all of it has none."""
        if len(frames) == 1 and frames[0].size == len(record) and frames[0].kind != "call":
            return frames
        is_call = frames[0].kind == "call"
        told = self._object(record, is_call=is_call) if record[:1] == b"{" else self._text(record)
        for frame in frames:
            for name, value in told.items():
                if name == "facts" and frame.facts:
                    value = {**value, **frame.facts}  # noqa: PLW2901 - what the call tells itself comes first
                setattr(frame, name, value)
        return frames

    def server(self, record: bytes) -> str:
        """The server that *record*, a log object, speaks of, or nothing."""
        if record[:1] != b"{" or record.find(self._in_each_mark) < 0:
            return ""
        for mark, _ in self._servers:
            if record.find(mark) >= 0:
                break
        else:
            return ""
        with suppress(*_UNREADABLE):
            fields = _fields_of(record)
            for _, path in self._servers:
                if path[0] in fields and (text := _at(_value(fields[path[0]]), path[1:])) is not None:
                    return self._fact("server", text)
        return ""

    def tell(self, record: bytes) -> tuple[Frame, ...]:
        """The frame that *record* speaks of without holding one, if it does."""
        if not tells_of_call(record):
            return ()
        if (access := _ACCESS.search(record, 0, _MAX_HEAD_BYTES)) is not None:
            facts = {"client_ip": self._fact("client_ip", access["ip"].decode())}
            by: dict[str, Any] = {**_timed(self._text(record)), "transport": "http"}
            return (Frame("error", 0, "s2c", code=int(access["status"]), denied=True, facts=facts, **by),)
        if record[:1] == b"{":
            return self._ended(record)
        said = parse_text(record[:_MAX_HEAD_BYTES])
        told = self._told(said)
        if "rpc_id" in said or "method" in said:
            name = _ID.search(record, 0, _MAX_HEAD_BYTES)
            frame = self._reader.bodyless(str(said.get("method", "")), name[1] if name else b"", str(said.get("rpc_part", "")))
            return () if frame is None else (msgspec.structs.replace(frame, **told),)
        if (called := _CALLED.search(str(said.get("message", "")))) is not None:
            return (self._outcome(called["tool"], bool(called["ok"]), None, told),)
        return ()

    def _ended(self, record: bytes) -> tuple[Frame, ...]:
        try:
            fields = msgspec.json.decode(record, type=dict[str, Any])
        except _UNREADABLE:
            return ()
        text = fields.get("debug") or fields.get("error")
        if not isinstance(text, str) or (ended := _ENDED.match(text)) is None:
            return ()
        took = float(ended["took"]) * _UNITS[ended["unit"]] if ended["took"].count(".") < 2 else None
        return (self._outcome(ended["tool"], bool(ended["ok"]), took, self._object(record)),)

    def _outcome(self, tool: str, is_ok: bool, latency_ms: float | None, told: dict[str, Any]) -> Frame:
        name = self._reader.name(msgspec.json.encode(tool))
        result = "complete" if is_ok else ""
        rest = {**_timed(told), "facts": told.get("facts", {})}
        return Frame("call", 0, name=name, is_error=not is_ok, result_type=result, latency_ms=latency_ms, **rest)

    def _object(self, record: bytes, *, is_call: bool = False) -> dict[str, Any]:
        try:
            fields = _fields_of(record)
        except _UNREADABLE:
            return {}
        told: dict[str, Any] = {}
        if is_call:
            told.update(_ended_as(fields))
        heads = self._heads.intersection(fields)
        for name in _TIMES if not heads.isdisjoint(_TIMES) else ():
            if name in heads and (time_ns := unix_nanos(_value(fields[name]))) is not None:
                told["time_ns"] = time_ns
                break
        if heads <= self._times_alone:
            return told
        for name in _WAY_NAMES:
            if name in heads and (way := _WAYS.get(str(_value(fields[name])).lower())):
                told["direction"] = way
        for name in _SESSIONS:
            if name in heads and isinstance(session := _value(fields[name]), str) and session:
                told["session"] = self.session(session)
                break
        if "transport" in heads and (transport := _TRANSPORTS.get(str(_value(fields["transport"])).lower())):
            told["transport"] = transport
        if facts := self._facts(fields):
            told["facts"] = facts
        return told

    def _facts(self, fields: Mapping[str, msgspec.Raw]) -> dict[str, str]:
        facts: dict[str, str] = {}
        for name, path in self._around:
            if name not in facts and path[0] in fields and (text := _at(_value(fields[path[0]]), path[1:])) is not None:
                facts[name] = self._fact(name, text)
        return facts

    def _text(self, record: bytes) -> dict[str, Any]:
        frame = record.find(b"{", 1)
        head = record[: min(frame, _MAX_HEAD_BYTES) if frame > 0 else _MAX_HEAD_BYTES]
        if len(head) > _MAX_KNOWN_BYTES or head.find(b"\x1b") >= 0 or (time := PLAIN_TIME.match(head)) is None:
            return self._told(parse_text(head))
        # What follows the time in a client's log is the same over and over.
        rest = head[time.end() :]
        if (known := self._known.get(rest)) is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[rest] = self._told(parse_text(head))
            known.pop("time_ns", None)
        time_ns = unix_nanos(time[0].decode())
        return dict(known) if time_ns is None else {**known, "time_ns": time_ns}

    def _told(self, said: Mapping[str, object]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if (time_ns := unix_nanos(said.get("timestamp"))) is not None:
            told["time_ns"] = time_ns
        if way := _WAYS.get(str(said.get("direction"))):
            told["direction"] = way
        # Claude Desktop writes the server's name where other logs have the logger's.
        server = said.get("server") or (said.get("logger") if "direction" in said else None)
        if isinstance(server, str) and "->" not in server:
            told["facts"] = {"server": self._fact("server", server)}
        return told

    def session(self, text: str) -> str:
        """A session id may be a credential (a JWT, say): it is always hashed."""
        return f"[session:{self._keyring.pseudonym(b'session', text.encode('utf-8', 'replace')).decode()}]"

    def _fact(self, name: str, text: str) -> str:
        return self._reader.name(msgspec.json.encode(text)) if name in self._kept else pseudonym(self._keyring, name, text)


def pseudonym(keyring: Keyring, name: str, text: str) -> str:
    """What stands in an event for the fact *name* that is *text*: the same wherever the key is the same."""
    return f"[{name}:{keyring.pseudonym(name.encode(), text.encode('utf-8', 'replace')).decode()}]"


def _shared(texts: Sequence[bytes]) -> bytes:
    """The longest piece that each of *texts* holds: one search for it tells that none of them is there."""
    shortest = min(texts, key=len, default=b"")
    pieces = (shortest[at : at + size] for size in range(len(shortest), 0, -1) for at in range(len(shortest) - size + 1))
    return next((piece for piece in pieces if all(piece in text for text in texts)), b"")


def _ended_as(fields: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """How a call ended and how long it took, where the record of one says so."""
    ended: dict[str, Any] = {}
    for name in _STATUSES:
        said = _value(fields[name]) if name in fields else None
        text = f"{name} {said}" if isinstance(said, bool) else said if isinstance(said, str) else ""
        if how := _ENDS.get(text.lower()):
            ended |= _HOW[how]
            break
    for name in _LATENCIES:
        took = _value(fields[name]) if name in fields else None
        if isinstance(took, int | float) and not isinstance(took, bool) and 0 <= took < _MAX_LATENCY_MS:
            ended["latency_ms"] = float(took)
            break
    return ended


def _timed(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("time_ns", "transport") if name in told}


def _value(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except _UNREADABLE:
        return None


def _at(value: Any, path: Sequence[str]) -> str | None:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)
