"""Params out of logs: wherever a record holds a call, its params give way to their hash.

A call is a JSON-RPC request or notification, or an object with a tool or method name beside its params; it may be the record,
sit in it at any depth, in an array, in a string that holds JSON, or in the text around. What cannot be read as JSON and looks
like a call loses everything from its params on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

import msgspec
import orjson

from sanitizer.calls import LITERALS, TEXT, Call, is_request, logged_call, might_hold_call, role
from sanitizer.embedded import rewrite_text
from sanitizer.hashing import Keyring, plain_hash
from sanitizer.mcp import ABSENT, Asked, Frame, Reader, asked
from sanitizer.modes import Mode, Modes
from sanitizer.payload import KNOWN_NAMES, UnreadableError, mended, parse, parse_nested, shape, subject
from sanitizer.surroundings import FactPaths, Surroundings

__all__ = ["MAX_NESTING", "MAX_STRINGS_IN_STRINGS", "Mode", "Params"]

Fields = dict[str, msgspec.Raw]

MAX_NESTING = 64
MAX_STRINGS_IN_STRINGS = 8
_UNREAD = object()
_FRAME_KEYS = frozenset(("jsonrpc", "id", "method", "params"))
_fields_of = msgspec.json.Decoder(Fields).decode
_items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_TOO_DEEP = _encode({"withheld": "nested too deeply"})
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Place(NamedTuple):
    """How far down in a record one is, and the frames found so far."""

    depth: int
    strings: int
    frames: list[Frame]

    def deeper(self) -> _Place:
        return _Place(self.depth + 1, self.strings, self.frames)

    def within_a_string(self) -> _Place:
        return _Place(self.depth, self.strings + 1, self.frames)


class Params:
    """A compiled policy for params; picklable. `LITERALS` (lower case) tell whether a record is worth handing to it.

    *mode* is what happens to params: `hash` puts `params_hash` in their place, `shape` their `params_shape`, `remove` nothing;
    `sanitize` leaves them to the redaction. *methods* and *tools* map globs to other modes; the first that matches a tool wins,
    then the first that matches the method. *plain* hashes without a key. *clean* redacts names before they become facts; *facts*
    says where more of them are. Without *tell* no frames are made: nobody asks for them.
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
        facts: FactPaths | None = None,
        tell: bool = True,
    ) -> None:
        self.reader = Reader(keyring, clean)
        self.surroundings = Surroundings(keyring, self.reader, facts)
        self._keyring = keyring
        self._modes = Modes(mode, methods, tools)
        self._plain = plain
        self._tell = tell
        self._known = known_names

    def rewrite(self, record: bytes) -> tuple[bytes, tuple[Frame, ...]]:
        """*record* with the params of every call in it replaced, and the frames found, in order; never raises.

        A record without a call comes back as the same object.
        """
        frames: list[Frame] = []
        written = self._json_or_text(record, _Place(0, 0, frames))
        if not self._tell:
            return written, ()
        if not frames:
            return written, self.surroundings.tell(record) if written is record else ()
        if len(frames) > 1:
            # A call that the params or the result of a frame speak of is not one that was made there.
            frames = [frame for frame in frames if frame.kind != "call"] or frames
        return written, tuple(self.surroundings.place(record, frames))

    def frames(self, message: bytes) -> list[Frame]:
        """The frames that *message*, JSON-RPC and nothing else, holds: one, or those of a batch. Raises `ValueError`."""
        found: list[Frame] = []
        try:
            for item in map(bytes, _items_of(message)) if message[:1] == b"[" else (message,):
                fields = _fields_of(item)
                if "method" in fields and is_request(fields):
                    self._request(fields, len(item), found)
                elif "result" in fields or "error" in fields:
                    found.append(self.reader.response(fields, len(item)))
        except _UNREADABLE:
            if (mend := mended(message)) is None or mend == message:
                raise ValueError("no JSON") from None
            return self.frames(mend)
        return found

    def _json_or_text(self, data: bytes, at: _Place) -> bytes:
        found = len(at.frames)
        if data.lstrip()[:1] in (b"{", b"["):
            try:
                return self._value(data, "", at)
            except _UNREADABLE:
                del at.frames[found:]
                if (mend := mended(data)) is not None:
                    try:
                        written = self._value(mend, "", at)
                    except _UNREADABLE:
                        del at.frames[found:]
                    else:
                        return data if written is mend else written
        if at.strings >= MAX_STRINGS_IN_STRINGS:
            return _TOO_DEEP
        return rewrite_text(data, lambda piece: self._json_or_text(piece, at.within_a_string()))

    def _value(self, data: bytes, key: str, at: _Place) -> bytes:
        match data.lstrip()[:1]:
            case b"{":
                return self._object(data, key, at)
            case b"[":
                if at.depth >= MAX_NESTING:
                    return _TOO_DEEP
                items = _items_of(data)
                changed = False
                for index, item in enumerate(items):
                    if len(raw := bytes(item)) > 1 and might_hold_call(raw):
                        written = self._value(raw, key, at.deeper())
                        if written is not raw:
                            items[index], changed = msgspec.Raw(written), True
                return _encode(items) if changed else data
            case b'"':
                return self._string(data, at)
            case _:
                return data

    def _string(self, data: bytes, at: _Place) -> bytes:
        """A JSON string whose text may hold JSON."""
        if at.strings >= MAX_STRINGS_IN_STRINGS:
            return _TOO_DEEP
        text = TEXT(data).encode("utf-8", "replace")
        written = self._json_or_text(text, at.within_a_string())
        return data if written is text else orjson.dumps(written.decode("utf-8", "replace"))

    def _object(self, data: bytes, key: str, at: _Place) -> bytes:
        if at.depth >= MAX_NESTING:
            return _TOO_DEEP
        fields = _fields_of(data)
        replaced: dict[str, Fields] = {}
        done: tuple[str, ...] = ("jsonrpc", "id", "method", "params")
        if "method" in fields and is_request(fields):
            replaced = self._request(fields, len(data), at.frames)
            if fields.keys() <= _FRAME_KEYS:
                return _encode(_spliced(fields, replaced["params"])) if replaced else data
        elif "jsonrpc" in fields and ("result" in fields or "error" in fields):
            if self._tell:
                at.frames.append(self.reader.response(fields, len(data)))
        elif (call := logged_call(fields, key)) is not None:
            done = (*call.params_keys, call.name_key)
            replaced = self._call(call, fields, len(data), at.frames)
        else:
            done = ()
        out, changed = self._rest(fields, replaced, done, at)
        for ours in replaced.values():
            out.update(ours)  # a field of the record's own that is called the same must not win
        return _encode(out) if changed else data

    def _rest(self, fields: Fields, replaced: dict[str, Fields], done: tuple[str, ...], at: _Place) -> tuple[Fields, bool]:
        """*fields* with what *replaced* has for them, and but for the *done* each looked into; and whether that changed any."""
        changed = bool(replaced)
        out: Fields = {}
        for field, item in fields.items():
            if field in replaced:
                out.update(replaced[field])
            elif field in done:
                out[field] = item
            elif role(field) == "state":
                out[f"{field}_hash"] = self._state_hash(item)
                changed = True
            elif might_hold_call(raw := bytes(item)):
                written = self._value(raw, field, at.deeper())
                changed = changed or written is not raw
                out[field] = msgspec.Raw(written)
            else:
                out[field] = item
        return out, changed

    def _request(self, fields: Fields, size: int, frames: list[Frame]) -> dict[str, Fields]:
        """What takes the place of `params`."""
        raw = fields.get("params", ABSENT)
        params = asked(raw) if raw is not ABSENT else Asked()
        tool = ""
        value: object = _UNREAD
        try:
            if params is not None and bytes(fields["method"]) == b'"tools/call"':
                tool = self.reader.name(params.name)
                value = parse(bytes(params.arguments)) if params.arguments is not ABSENT else {}
                value = {} if value is None else value
            else:
                value = subject("", parse(bytes(raw) or b"{}"))
        except UnreadableError:
            pass
        digest = "" if value is _UNREAD else self._hash(value)
        if self._tell:
            frame = self.reader.request(fields, params, digest, size)
            if self.surroundings.looks_within:
                frame = msgspec.structs.replace(frame, facts=self.surroundings.within(value, params))
            frames.append(frame)
        if raw is ABSENT:
            return {}
        mode = self._modes.of(self.reader.name(fields["method"]), tool)
        ours = self._in_place(mode, "params", raw, value, digest)
        if ours is None:
            return {}
        if tool and mode != "sanitize":
            ours["tool_name"] = self._quoted(tool)
        return {"params": ours}

    def _call(self, call: Call, fields: Fields, size: int, frames: list[Frame]) -> dict[str, Fields]:
        """What takes the place of each field that holds params of a logged call."""
        name = self.reader.name(call.name)
        mode = self._modes.of(name, name)
        replaced: dict[str, Fields] = {}
        for index, key in enumerate(call.params_keys):
            value: object = _UNREAD
            with suppress(UnreadableError):
                value = subject(name, parse_nested(bytes(fields[key])))
            digest = "" if value is _UNREAD else self._hash(value)
            if index == 0 and self._tell:
                frames.append(Frame("call", size, name=name, params_hash=digest, facts=self.surroundings.within(value, None)))
            ours = self._in_place(mode, key, fields[key], value, digest)
            if ours is not None and index > 0:
                ours = {f"{key}_{field.removeprefix('params_')}" if field != key else key: item for field, item in ours.items()}
            if ours is not None:
                replaced[key] = ours
        return replaced

    def _in_place(self, mode: Mode, key: str, raw: msgspec.Raw, value: object, digest: str) -> Fields | None:
        """The fields that come where *raw* stood under *key*; None when it may stay."""
        if mode == "remove":
            return {}
        if mode == "sanitize":
            kept = self._without_state(raw)
            return None if kept is raw else {key: kept}
        if value is _UNREAD:
            return {"params_withheld": self._quoted("unreadable")}
        if mode == "shape":
            return {"params_shape": msgspec.Raw(orjson.dumps(shape(value, self._known)))}
        return {"params_hash": self._quoted(digest)}

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
            kept[f"{key}_hash" if is_state else key] = self._state_hash(item) if is_state else item
        return msgspec.Raw(_encode(kept))

    def _state_hash(self, raw: msgspec.Raw) -> msgspec.Raw:
        """Always keyed: a `requestState` may be a token, and answers of people are easily guessed."""
        try:
            return self._quoted(self._keyring.params_hash(parse_nested(bytes(raw))))
        except UnreadableError:
            return self._quoted(self._keyring.digest(bytes(raw)))

    def _hash(self, value: object) -> str:
        return plain_hash(value) if self._plain else self._keyring.params_hash(value)

    @staticmethod
    def _quoted(text: str) -> msgspec.Raw:
        return msgspec.Raw(_encode(text))


def _spliced(fields: Fields, ours: Fields) -> Fields:
    """*fields* of a frame with *ours* where `params` was."""
    return {name: value for key, item in fields.items() for name, value in (ours if key == "params" else {key: item}).items()}
