"""What takes the place of params: their hash, their shape, nothing, or (`sanitize`) themselves, which the redaction then sees."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import orjson

from sanitizer.hashing import Keyring, plain_hash
from sanitizer.protocol.calls import Call, role
from sanitizer.protocol.mcp import ABSENT, Asked, Frame, FrameKind, Reader, asked
from sanitizer.protocol.modes import Mode, Modes
from sanitizer.protocol.payload import UnreadableError, parse, parse_nested, shape, subject
from sanitizer.protocol.surroundings import Surroundings

Fields = dict[str, msgspec.Raw]

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
fields_of = msgspec.json.Decoder(Fields).decode
encode = msgspec.json.Encoder().encode
_UNREAD = object()
_TOLD_OF = frozenset(field.encode_name for field in msgspec.structs.fields(Asked)) - {"name", "uri", "arguments"}
_ID_TYPES = (int, str)


def _refuse(_: str) -> float:
    raise ValueError


_without_floats = msgspec.json.Decoder(float_hook=_refuse).decode


def decoded(data: bytes) -> tuple[Any, bool]:
    """The value of *data*, strict JSON, and whether there may be floats in it, whose canonical form is not how they are written."""
    try:
        return _without_floats(data), False
    except msgspec.ValidationError:
        return orjson.loads(data), True


def has_a_plain_frame(params: object, number: object) -> bool:
    """Whether there is nothing to tell of a request but its id, its names and its hash: for more there is `Reader.request`."""
    return type(params) is dict and _TOLD_OF.isdisjoint(params) and type(number) is int and -(2**63) <= number < 2**63


class Placeholders:
    """A policy for params. *plain* hashes without a key, a shape shows *known* names, and with *tell* each call becomes a frame."""

    def __init__(
        self,
        keyring: Keyring,
        reader: Reader,
        surroundings: Surroundings,
        modes: Modes,
        *,
        plain: bool,
        known: frozenset[str],
        tell: bool,
    ) -> None:
        self._keyring = keyring
        self._reader = reader
        self._surroundings = surroundings
        self._modes = modes
        self._plain = plain
        self._known = known
        self._tell = tell

    def at_once(self, data: bytes, frames: list[Frame]) -> bytes | None:
        """The request that *data* is, its params replaced, where that is all it is and its params are hashed; else None.

        What is written is made of what was read, not of *data*: a key that is there twice, or anything that was not understood,
        has no way into it. A frame that there is more to tell of than an id and two names is left to `request`.
        """
        try:
            fields, may_hold_floats = decoded(data)
            method, params, version = fields["method"], fields["params"], fields["jsonrpc"]
        except (*UNREADABLE, ValueError, KeyError, TypeError):
            return None
        beside = len(fields) - 3
        if version != "2.0" or type(method) is not str or beside > 1 or (beside and type(fields.get("id")) not in _ID_TYPES):
            return None
        if self._tell and (self._surroundings.looks_within or not has_a_plain_frame(params, fields.get("id", 0))):
            return None
        tool = ""
        if method == "tools/call" and type(params) is dict:
            tool = self._reader.name(said) if type(said := params.get("name")) is str else ""
            value = params.get("arguments")
            value = {} if value is None else value
        else:
            value = subject("", params)
        if self._modes.of(self._reader.name(method) if self._modes.differ else "", tool) != "hash":
            return None
        ours = {"params_hash": self._hash(value, may_hold_floats=may_hold_floats)}
        if tool:
            ours["tool_name"] = tool
        written: dict[str, object] = {}
        for key, item in fields.items():
            if key == "params":
                written.update(ours)
            else:
                written[key] = item
        try:
            text = orjson.dumps(written)
        except TypeError:  # an id beyond 64 bits
            return None
        if self._tell:
            kind: FrameKind = "request" if beside else "notification"
            called = params.get("name", params.get("uri"))
            name = self._reader.name(called) if type(called) is str else ""
            frames.append(Frame(kind, len(data), "", self._reader.name(method), name, fields.get("id"), ours["params_hash"]))
        return text

    def request(self, fields: Fields, size: int, frames: list[Frame]) -> dict[str, Fields]:
        """What takes the place of `params`."""
        raw = fields.get("params", ABSENT)
        method = self._reader.name(fields["method"])
        params = asked(raw) if raw is not ABSENT else Asked()
        tool = ""
        value: object = _UNREAD
        try:
            if params is not None and method == "tools/call":
                tool = self._reader.name(params.name)
                value = parse(bytes(params.arguments)) if params.arguments is not ABSENT else {}
                value = {} if value is None else value
            else:
                value = subject("", parse(bytes(raw) or b"{}"))
        except UnreadableError:
            pass
        digest = "" if value is _UNREAD else self._hash(value)
        if self._tell:
            frame = self._reader.request(fields, params, digest, size)
            if self._surroundings.looks_within:
                frame = msgspec.structs.replace(frame, facts=self._surroundings.within(value, params))
            frames.append(frame)
        if raw is ABSENT:
            return {}
        mode = self._modes.of(method, tool)
        ours = self._in_place(mode, "params", raw, value, digest)
        if ours is None:
            return {}
        if tool and mode != "sanitize":
            ours["tool_name"] = self._quoted(tool)
        return {"params": ours}

    def call(self, call: Call, fields: Fields, size: int, frames: list[Frame]) -> dict[str, Fields]:
        """What takes the place of each field that holds params of a logged call."""
        name = self._reader.name(call.name)
        mode = self._modes.of(name, name)
        replaced: dict[str, Fields] = {}
        for index, key in enumerate(call.params_keys):
            value: object = _UNREAD
            with suppress(UnreadableError):
                value = subject(name, parse_nested(bytes(fields[key])))
            digest = "" if value is _UNREAD else self._hash(value)
            if index == 0 and self._tell:
                frames.append(Frame("call", size, name=name, params_hash=digest, facts=self._surroundings.within(value, None)))
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
            fields = fields_of(raw)
        except UNREADABLE:
            return raw
        if not any(role(key) == "state" for key in fields):
            return raw
        kept: Fields = {}
        for key, item in fields.items():
            is_state = role(key) == "state"
            kept[f"{key}_hash" if is_state else key] = self.state_hash(item) if is_state else item
        return msgspec.Raw(encode(kept))

    def state_hash(self, raw: msgspec.Raw) -> msgspec.Raw:
        """Always keyed: a `requestState` may be a token, and answers of people are easily guessed."""
        try:
            return self._quoted(self._keyring.params_hash(parse_nested(bytes(raw))))
        except UnreadableError:
            return self._quoted(self._keyring.digest(bytes(raw)))

    def _hash(self, value: object, *, may_hold_floats: bool = True) -> str:
        if self._plain:
            return plain_hash(value, may_hold_floats=may_hold_floats)
        return self._keyring.params_hash(value, may_hold_floats=may_hold_floats)

    @staticmethod
    def _quoted(text: str) -> msgspec.Raw:
        return msgspec.Raw(encode(text))
