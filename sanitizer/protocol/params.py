"""Params out of logs: wherever a record holds a call, its params give way to their hash.

A call is a JSON-RPC request or notification, or an object with a tool or method name beside its params; it may be the record,
sit in it at any depth, in an array, in a string that holds JSON, or in the text around; or a text tells of it in words. What
cannot be read and looks like a call loses its params, or everything from them on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import orjson

from sanitizer.hashing import Keyring
from sanitizer.protocol.calls import MIN_CALL_BYTES, TEXT, is_request, logged_call, meanings, might_hold_call, role
from sanitizer.protocol.embedded import METADATA, last_object, rewrite_text
from sanitizer.protocol.mcp import Frame, Reader
from sanitizer.protocol.modes import Mode, Modes
from sanitizer.protocol.payload import KNOWN_NAMES, mended, repeats_a_key
from sanitizer.protocol.placeholders import UNREADABLE, Fields, Placeholders, encode, fields_of
from sanitizer.protocol.surroundings import FactPaths, Surroundings

__all__ = ["MAX_NESTING", "MAX_STRINGS_IN_STRINGS", "Mode", "Params"]

MAX_NESTING = 64
MAX_STRINGS_IN_STRINGS = 8
_OPENINGS = frozenset((b"{", b"["))
_JSON_OR_SPACE = _OPENINGS | {b"", b" ", b"\t", b"\n", b"\r", b"\v", b"\f"}
_FRAME_KEYS = frozenset(("jsonrpc", "id", "method", "params"))
_items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_TOO_DEEP = encode({"withheld": "nested too deeply"})
# How nearly every request begins. A record that begins with another key is read key by key.
_BEGINNINGS = (b'{"jsonrpc"', b'{"method"', b'{"id"', b'{"params"')


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
    """A compiled policy for params; picklable.

    *mode* is what happens to params: `hash` puts `params_hash` in their place, `shape` their `params_shape`, `remove` nothing;
    `sanitize` leaves them to the redaction. *methods* and *tools* map globs to other modes; the first that matches a tool wins,
    then the first that matches the method. *plain* hashes without a key. *clean* redacts names before they become facts; *facts*
    says where more of them are. Without *tell* no frames are made: nobody asks for them.
    """

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
        self._placeholders = Placeholders(
            keyring, self.reader, self.surroundings, Modes(mode, methods, tools), plain=plain, known=known_names, tell=tell
        )
        self._tell = tell

    def rewrite(self, record: bytes) -> tuple[bytes, tuple[Frame, ...]]:
        """*record* with the params of every call in it replaced, and the frames found, in order; never raises.

        A record without a call comes back as the same object.
        """
        frames: list[Frame] = []
        written = self._at_once(record, frames) or self._json_or_text(record, _Place(0, 0, frames))
        if not self._tell:
            return written, ()
        if not frames:
            return written, self.surroundings.tell(record) if written is record else ()
        if len(frames) > 1:
            # A call that the params or the result of a frame speak of is not one that was made there.
            frames = [frame for frame in frames if frame.kind != "call"] or frames
        return written, tuple(self.surroundings.place(record, frames))

    def _at_once(self, record: bytes, frames: list[Frame]) -> bytes | None:
        """What most records with a call are: a request, or text and a request after it; None for all others."""
        if record.startswith(_BEGINNINGS):
            return self._placeholders.at_once(record, frames)
        if record[:1] in _JSON_OR_SPACE or (start := last_object(record)) < 0 or not record.startswith(_BEGINNINGS, start):
            return None
        end = -len(METADATA) if record.endswith(METADATA) else None
        request = self._placeholders.at_once(record[start:end], frames)
        return None if request is None else b"%b%b%b" % (record[:start], request, METADATA if end else b"")

    def frames(self, message: bytes) -> list[Frame]:
        """The frames that *message*, JSON-RPC and nothing else, holds: one, or those of a batch. Raises `ValueError`."""
        found: list[Frame] = []
        try:
            for item in map(bytes, _items_of(message)) if message[:1] == b"[" else (message,):
                fields = fields_of(item)
                if "method" in fields and is_request(fields):
                    self._placeholders.request(fields, len(item), found)
                elif "result" in fields or "error" in fields:
                    found.append(self.reader.response(fields, len(item)))
        except UNREADABLE:
            if (mend := mended(message)) is None or mend == message:
                raise ValueError("no JSON") from None
            return self.frames(mend)
        return found

    def _json_or_text(self, data: bytes, at: _Place) -> bytes:
        found = len(at.frames)
        if data[:1] in _OPENINGS or data.lstrip()[:1] in _OPENINGS:
            try:
                return self._value(data, "", at)
            except UNREADABLE:
                del at.frames[found:]
                if (mend := mended(data)) is not None:
                    try:
                        written = self._value(mend, "", at)
                    except UNREADABLE:
                        del at.frames[found:]
                    else:
                        return data if written is mend and not repeats_a_key(data) else written
        if at.strings >= MAX_STRINGS_IN_STRINGS:
            return _TOO_DEEP
        return rewrite_text(data, lambda piece: self._json_or_text(piece, at.within_a_string()))

    def _value(self, data: bytes, key: str, at: _Place) -> bytes:
        match data[:1] if data[:1] in _OPENINGS else data.lstrip()[:1]:
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
                return encode(items) if changed else data
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
        if data.startswith(_BEGINNINGS) and (request := self._placeholders.at_once(data, at.frames)) is not None:
            return request
        fields = fields_of(data)
        means = meanings(fields, len(data))
        replaced: dict[str, Fields] = {}
        done: tuple[str, ...] = ("jsonrpc", "id", "method", "params")
        if "method" in fields and is_request(fields):
            replaced = self._placeholders.request(fields, len(data), at.frames)
            if fields.keys() <= _FRAME_KEYS:
                return encode(_spliced(fields, replaced["params"])) if replaced else _sole(data, fields)
        elif "jsonrpc" in fields and ("result" in fields or "error" in fields):
            if self._tell:
                at.frames.append(self.reader.response(fields, len(data)))
        elif "params" in means and (call := logged_call(fields, key)) is not None:
            done = (*call.params_keys, call.name_key)
            replaced = self._placeholders.call(call, fields, len(data), at.frames)
        else:
            done = ()
        if replaced or done or "state" in means:
            out, changed = self._rest(fields, replaced, done, at)
            for ours in replaced.values():
                out.update(ours)  # a field of the record's own that is called the same must not win
        else:
            out, changed = fields, self._within(fields, at)
        return encode(out) if changed else _sole(data, fields)

    def _within(self, fields: Fields, at: _Place) -> bool:
        """Look into each of the *fields*, which say nothing themselves, and put back what changed; whether anything did."""
        changed = False
        for field, item in fields.items():
            if len(raw := bytes(item)) >= MIN_CALL_BYTES and might_hold_call(raw):
                written = self._value(raw, field, at.deeper())
                if written is not raw:
                    fields[field], changed = msgspec.Raw(written), True
        return changed

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
                out[f"{field}_hash"] = self._placeholders.state_hash(item)
                changed = True
            elif might_hold_call(raw := bytes(item)):
                written = self._value(raw, field, at.deeper())
                changed = changed or written is not raw
                out[field] = msgspec.Raw(written)
            else:
                out[field] = item
        return out, changed


def _sole(data: bytes, fields: Fields) -> bytes:
    """*data*, of which nothing but the *fields* was seen, where it holds nothing else: with a key in it twice, the *fields* alone.

    What is written anew and comes out the same, in one of the usual spacings, has no place for a second value.
    """
    plain = encode(fields)
    if plain == data or b"{%b}" % b", ".join(b'%b: %b' % (encode(key), item) for key, item in fields.items()) == data:
        return data
    return plain if repeats_a_key(data) else data


def _spliced(fields: Fields, ours: Fields) -> Fields:
    """*fields* of a frame with *ours* where `params` was."""
    return {name: value for key, item in fields.items() for name, value in (ours if key == "params" else {key: item}).items()}
