"""Finding every fault of a document at once: where it is, what is there (its kind, never its value), and how to mend it."""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from sanitizer import patterns
from sinks.options import Secret


class Fault(NamedTuple):
    """Something wrong at *path*."""

    path: str
    reason: str
    mend: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; {self.mend}" if self.mend else f"{self.path}: {self.reason}"


_KINDS: Mapping[type, str] = {
    dict: "a table",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    type(None): "nothing",
    datetime.date: "a date",
    datetime.datetime: "a date",
}


_WORDS = {"str": "a string", "int": "an integer", "float": "a number", "bool": "true or false"} | {
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_QUOTED = patterns.lazy(r"`([^`]*)`")


def kind_of(value: object) -> str:
    """What *value* is, in a reader's words."""
    return _KINDS.get(type(value), "another kind of value")


def convert(value: object, wanted: Any) -> Any:
    """*value* as *wanted*; a number or truth written as text is taken for what it says, since environments hold only text."""
    return msgspec.convert(value, wanted, strict=False, dec_hook=_decode)


def find_faults(value: object, wanted: Any, path: str = "$") -> Iterator[Fault]:
    """Everything that keeps *value* from being a *wanted*."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        inner = list(find_faults(value, arguments[0], path))
        yield from inner or _reasons(value, wanted, path)
    elif origin in {Union, types.UnionType}:
        yield from _of_union(value, wanted, [member for member in arguments if member is not type(None)], path)
    elif origin is Literal:
        if value not in arguments:
            yield Fault(path, f"{kind_of(value)} that is not known here", f"write one of {', '.join(map(str, arguments))}")
    elif origin in {list, tuple}:
        yield from _of_list(value, arguments[0], path)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _of_table(value, arguments[0], arguments[1], path)
    elif isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        yield from _of_struct(value, wanted, path)
    else:
        yield from _reasons(value, wanted, path)


def _of_union(value: object, wanted: Any, members: list[Any], path: str) -> Iterator[Fault]:
    tags = {
        str(member.__struct_config__.tag): member
        for member in members
        if isinstance(member, type) and hasattr(member, "__struct_config__")
    }
    if value is None and type(None) in get_args(wanted):
        return
    if len(members) == 1:
        yield from find_faults(value, members[0], path)
    elif not tags:
        yield from _reasons(value, wanted, path)
    elif not isinstance(value, dict):
        yield Fault(path, f"expected a table, got {kind_of(value)}", f"write a table with `type`, one of {', '.join(tags)}")
    elif "type" not in value:
        yield Fault(path, "`type` is missing", f"add `type`, one of {', '.join(tags)}")
    elif value["type"] not in tags:
        yield Fault(f"{path}.type", f"{kind_of(value['type'])} that is no type", f"write one of {', '.join(tags)}")
    else:
        rest = {key: item for key, item in value.items() if key != "type"}
        yield from _of_struct(rest, tags[value["type"]], path)


def _of_list(value: object, item: Any, path: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(path, f"expected a list, got {kind_of(value)}", "write [...]")
        return
    for number, each in enumerate(value):
        yield from find_faults(each, item, f"{path}[{number}]")


def _of_table(value: object, name: Any, item: Any, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, f"expected a table, got {kind_of(value)}", "write { name = value }")
        return
    for key, each in value.items():
        yield from (Fault(at, f"the name: {reason}", mend) for at, reason, mend in find_faults(key, name, f"{path}.{key}"))
        yield from find_faults(each, item, f"{path}.{key}")


def _of_struct(value: object, wanted: type[msgspec.Struct], path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, f"expected a table, got {kind_of(value)}", "write a table")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    found = False
    for key, each in value.items():
        if key in fields:
            for fault in find_faults(each, fields[key].type, f"{path}.{key}"):
                found = True
                yield fault
        else:
            found = True
            near = get_close_matches(str(key), fields, n=1)
            yield Fault(f"{path}.{key}", "there is no such key", f"did you mean `{near[0]}`?" if near else "remove it")
    for name, field in fields.items():
        if field.required and name not in value:
            found = True
            yield Fault(path, f"`{name}` is missing", f"add it: {_describe(field.type)}")
    if not found:
        tag = wanted.__struct_config__.tag
        yield from _reasons({**value, "type": tag} if tag else value, wanted, path)


def _reasons(value: object, wanted: Any, path: str) -> Iterator[Fault]:
    """What conversion itself says, in which no value occurs once the literals above are judged."""
    try:
        convert(value, wanted)
    except msgspec.ValidationError as trouble:
        reason, _, inner = str(trouble).partition(" - at `$")
        if isinstance(value, (dict, list)) or "got" in reason or "Expected" not in reason:
            mend = "" if "Expected" not in reason else f"write {_describe(wanted)}"
        else:
            mend = "write another one"
        if "matching regex" in reason and (described := _described(wanted)):
            reason = f"Expected {described}, got another string"
        reason = _QUOTED.sub(lambda quoted: " or ".join(_WORDS.get(word, word) for word in quoted[1].split(" | ")), reason)
        yield Fault(path + inner.rstrip("`"), reason[:1].lower() + reason[1:], mend)


def _described(wanted: Any) -> str | None:
    """How the type *wanted* says what it takes, where a pattern would not tell a reader."""
    return next((meta.description for meta in get_args(wanted)[1:] if isinstance(meta, msgspec.Meta) and meta.description), None)


def _describe(wanted: Any) -> str:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return _describe(arguments[0])
    if origin in {Union, types.UnionType}:
        return " or ".join(_describe(member) for member in arguments if member is not type(None))
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin in {list, tuple}:
        return "a list"
    if wanted is Secret:
        return "a string, `${NAME}` or `file:/path`"
    return _KINDS.get(origin or wanted, "a table")


def _decode(wanted: type, value: object) -> object:
    if wanted is not Secret:
        raise NotImplementedError
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got {kind_of(value)}")
    return Secret(value)
