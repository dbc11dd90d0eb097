"""Params out of logs: wherever a record holds a call, its params give way to their hash.

A call is a JSON-RPC request or notification, or an object with a tool or method name beside its params; it may be the record,
sit in it at any depth, in an array, in a string that holds JSON, or in the text around. What cannot be read as JSON and looks
like a call loses everything from its params on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Literal

import msgspec
import orjson

from sanitizer.calls import LITERALS, TEXT, Call, is_request, logged_call, might_hold_call, role
from sanitizer.embedded import rewrite_text
from sanitizer.hashing import Keyring, plain_hash
from sanitizer.mcp import Asked, Frame, Reader, asked
from sanitizer.payload import UnreadableError, mended, parse, parse_nested, subject

Mode = Literal["hash", "sanitize", "shape", "remove"]
Fields = dict[str, msgspec.Raw]

MAX_NESTING = 64
MAX_STRINGS_IN_STRINGS = 8
_ABSENT = msgspec.Raw(b"")
_FRAME_KEYS = frozenset(("jsonrpc", "id", "method", "params"))
_fields_of = msgspec.json.Decoder(Fields).decode
_items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_EVERYDAY = """
    name uri url path paths query limit offset cursor page page_size id ids type kind format language timezone start end
    from to since until sort order filter filters fields include exclude recursive depth max_results count level mode
"""
KNOWN_NAMES = frozenset(_EVERYDAY.split())
"""Names of arguments that say nothing about a person; `shape` shows these as they are, and others not at all."""


class Params:
    """A compiled policy for params; picklable. `LITERALS` (lower case) tell whether a record is worth handing to it.

    *mode* is what happens to params: `hash` puts `params_hash` in their place, `shape` their `params_shape`, `remove` nothing;
    `sanitize` leaves them to the redaction. *methods* and *tools* map globs to other modes; the first that matches a tool wins,
    then the first that matches the method. *plain* hashes without a key. *clean* redacts names before they become facts.
    """

    LITERALS = LITERALS

    def __init__(
        self,
        keyring: Keyring,
        clean: Callable[[bytes], bytes],
        mode: Mode = "hash",
        methods: Mapping[str, Mode] | None = None,
        tools: Mapping[str, Mode] | None = None,
        *,
        plain: bool = False,
        known_names: frozenset[str] = KNOWN_NAMES,
    ) -> None:
        self.reader = Reader(keyring, clean)
        self._keyring = keyring
        self._mode: Mode = mode
        self._methods = dict(methods or {})
        self._tools = dict(tools or {})
        self._plain = plain
        self._known = known_names

    def rewrite(self, record: bytes) -> tuple[bytes, tuple[Frame, ...]]:
        """*record* with the params of every call in it replaced, and the frames found, in order; never raises.

        A record without a call comes back as the same object.
        """
        frames: list[Frame] = []
        written = self._json_or_text(record, 0, 0, frames)
        return written, tuple(frames)

    def _json_or_text(self, data: bytes, depth: int, strings: int, frames: list[Frame]) -> bytes:
        found = len(frames)
        if data.lstrip()[:1] in (b"{", b"["):
            try:
                return self._value(data, "", depth, strings, frames)
            except _UNREADABLE:
                del frames[found:]
                if (mend := mended(data)) is not None:
                    try:
                        written = self._value(mend, "", depth, strings, frames)
                    except _UNREADABLE:
                        del frames[found:]
                    else:
                        return data if written is mend else written
        if strings >= MAX_STRINGS_IN_STRINGS:
            return _withheld("nested too deeply")
        return rewrite_text(data, lambda piece: self._json_or_text(piece, depth, strings + 1, frames))

    def _value(self, data: bytes, key: str, depth: int, strings: int, frames: list[Frame]) -> bytes:
        match data.lstrip()[:1]:
            case b"{":
                return self._object(data, key, depth, strings, frames)
            case b"[":
                if depth >= MAX_NESTING:
                    return _withheld("nested too deeply")
                items = _items_of(data)
                changed = False
                for index, item in enumerate(items):
                    if len(raw := bytes(item)) > 1 and might_hold_call(raw):
                        written = self._value(raw, key, depth + 1, strings, frames)
                        if written is not raw:
                            items[index], changed = msgspec.Raw(written), True
                return _encode(items) if changed else data
            case b'"':
                return self._string(data, depth, strings, frames)
            case _:
                return data

    def _string(self, data: bytes, depth: int, strings: int, frames: list[Frame]) -> bytes:
        """A JSON string whose text may hold JSON."""
        if strings >= MAX_STRINGS_IN_STRINGS:
            return _withheld("nested too deeply")
        text = TEXT(data).encode("utf-8", "replace")
        written = self._json_or_text(text, depth, strings + 1, frames)
        return data if written is text else orjson.dumps(written.decode("utf-8", "replace"))

    def _object(self, data: bytes, key: str, depth: int, strings: int, frames: list[Frame]) -> bytes:
        if depth >= MAX_NESTING:
            return _withheld("nested too deeply")
        fields = _fields_of(data)
        replaced: dict[str, Fields] = {}
        done: tuple[str, ...] = ("jsonrpc", "id", "method", "params")
        if "method" in fields and is_request(fields):
            replaced = self._request(fields, len(data), frames)
            if fields.keys() <= _FRAME_KEYS:
                return _encode(_spliced(fields, replaced["params"])) if replaced else data
        elif "jsonrpc" in fields and ("result" in fields or "error" in fields):
            frames.append(self.reader.response(fields, len(data)))
        elif (call := logged_call(fields, key)) is not None:
            done = (*call.params_keys, call.name_key)
            replaced = self._call(call, fields, len(data), frames)
        else:
            done = ()
        changed = bool(replaced)
        out: Fields = {}
        for field, item in fields.items():
            if field in replaced:
                out.update(replaced[field])
            elif field in done:
                out[field] = item
            elif role(field) == "state":
                out[f"{field}_hash"] = self._quoted(self._hash(parse_nested(item)))
                changed = True
            elif might_hold_call(raw := bytes(item)):
                written = self._value(raw, field, depth + 1, strings, frames)
                changed = changed or written is not raw
                out[field] = msgspec.Raw(written)
            else:
                out[field] = item
        for ours in replaced.values():
            out.update(ours)  # a field of the record's own that is called the same must not win
        return _encode(out) if changed else data

    def _request(self, fields: Fields, size: int, frames: list[Frame]) -> dict[str, Fields]:
        """What takes the place of `params`."""
        raw = fields.get("params", _ABSENT)
        params = asked(raw) if raw is not _ABSENT else Asked()
        is_tool_call = bytes(fields["method"]) == b'"tools/call"'
        tool = self.reader.name(params.name) if is_tool_call and params is not None else ""
        reason = digest = ""
        try:
            if is_tool_call and params is not None:
                arguments = parse(bytes(params.arguments)) if params.arguments is not _ABSENT else None
                digest = self._hash({} if arguments is None else arguments)
            else:
                digest = self._hash(subject("", parse(bytes(raw) or b"{}")))
        except UnreadableError:
            reason = "unreadable"
        frame = self.reader.request(fields, params, digest, size)
        frames.append(frame)
        if raw is _ABSENT:
            return {}
        mode = self._mode_of(frame.method, tool)
        if reason and mode != "remove":
            ours = {"params_withheld": self._quoted(reason)}
        elif mode == "sanitize":
            kept = self._without_state(raw)
            ours = {"params": kept}
            if kept is raw:
                return {}
        else:
            ours = self._in_place(mode, digest, bytes(raw))
        if tool and mode != "sanitize":
            ours["tool_name"] = self._quoted(tool)
        return {"params": ours}

    def _call(self, call: Call, fields: Fields, size: int, frames: list[Frame]) -> dict[str, Fields]:
        """What takes the place of each field that holds params of a logged call."""
        name = self.reader.name(call.name)
        replaced: dict[str, Fields] = {}
        mode = self._mode_of(name, name)
        for key in call.params_keys:
            raw = bytes(fields[key])
            digest = ""
            try:
                digest = self._hash(subject(name, parse_nested(raw)))
            except UnreadableError:
                ours = {"params_withheld": self._quoted("unreadable")} if mode != "remove" else {}
            else:
                if mode == "sanitize":
                    kept = self._without_state(fields[key])
                    ours = {key: kept} if kept is not fields[key] else {}
                    if not ours:
                        continue
                else:
                    ours = self._in_place(mode, digest, raw)
            if replaced:
                ours = {f"{key}_{ourkey.removeprefix('params_')}": value for ourkey, value in ours.items()}
            else:
                frames.append(Frame("call", size, name=name, params_hash=digest))
            replaced[key] = ours
        return replaced

    def _in_place(self, mode: Mode, digest: str, raw: bytes) -> Fields:
        if mode == "hash":
            return {"params_hash": self._quoted(digest)}
        if mode == "shape":
            return {"params_shape": msgspec.Raw(orjson.dumps(self._shape(parse_nested(raw), 0)))}
        return {}

    def _shape(self, value: object, depth: int) -> object:
        """Types in the place of values; a key that is not a known name is counted, not shown."""
        if isinstance(value, dict) and depth < MAX_STRINGS_IN_STRINGS:
            shown = {key: self._shape(item, depth + 1) for key, item in value.items() if key in self._known}
            return {**shown, "*": hidden} if (hidden := len(value) - len(shown)) else shown
        if isinstance(value, list) and depth < MAX_STRINGS_IN_STRINGS:
            return [self._shape(item, depth + 1) for item in value[:MAX_STRINGS_IN_STRINGS]]
        names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
        return names.get(type(value), "number")

    def _without_state(self, raw: msgspec.Raw) -> msgspec.Raw:
        try:
            fields = _fields_of(raw)
        except _UNREADABLE:
            return raw
        if not any(role(key) == "state" for key in fields):
            return raw
        kept: Fields = {}
        for key, item in fields.items():
            is_state = role(key) == "state"
            kept[f"{key}_hash" if is_state else key] = self._quoted(self._hash(parse_nested(item))) if is_state else item
        return msgspec.Raw(_encode(kept))

    def _mode_of(self, method: str, tool: str) -> Mode:
        if not (self._tools or self._methods):
            return self._mode
        for name, modes in ((tool, self._tools), (method, self._methods)):
            for glob, mode in modes.items():
                if name and fnmatchcase(name, glob):
                    return mode
        return self._mode

    def _hash(self, value: object) -> str:
        return plain_hash(value) if self._plain else self._keyring.params_hash(value)

    @staticmethod
    def _quoted(text: str) -> msgspec.Raw:
        return msgspec.Raw(_encode(text))


def _spliced(fields: Fields, ours: Fields) -> Fields:
    """*fields* of a frame with *ours* where `params` was."""
    out: Fields = {}
    for key, item in fields.items():
        if key == "params":
            out.update(ours)
        else:
            out[key] = item
    return out


def _withheld(reason: str) -> bytes:
    return _encode({"withheld": reason})
