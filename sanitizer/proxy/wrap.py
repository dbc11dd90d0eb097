"""Putting the servers of a client's configuration behind `sanitizer exec`, and taking them out again, without touching the rest."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sanitizer import patterns
from sanitizer.proxy.jsonc import Node, parse

_SECTIONS = ("mcpServers", "servers", "context_servers")
_SECRET_FLAG = patterns.lazy(r"key|token|secret|pass|pwd|auth|cred|bearer|cookie|session|header|dsn|connection", re.IGNORECASE)
_OPAQUE = patterns.lazy(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_+=-]{20,}")
_MASK = '"***"'
_ADDED = ', "args":'
"""Stands before a list of arguments where there was none; nobody else spaces it so, which is how `unwrap` knows."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a configuration: its new text, which servers change, and why others do not."""

    text: str
    changed: Sequence[str]
    skipped: Sequence[tuple[str, str]]


Edit = tuple[int, int, str]


def wrap(text: str, program: str, options: Callable[[str], Sequence[str]], names: Sequence[str] = ()) -> Change:
    """*text* with its stdio servers (those in *names*, if any) started by *program*; *options* are each name's for `exec`.

    Servers that are wrapped already stay as they are. Raises `sanitizer.proxy.jsonc.JsonError`.
    """

    def edits(name: str, server: Node, command: str, args: Sequence[str]) -> list[Edit] | str:
        if is_wrapped(command, args):
            return "it is wrapped already"
        written = [json.dumps(word, ensure_ascii=False) for word in ("exec", *options(name), "--", command)]
        at, list_at = server.get("command"), server.get("args")
        assert at  # noqa: S101 - its value is `command`
        head = (at.start, at.end, json.dumps(program, ensure_ascii=False))
        if list_at is None:
            return [head, (at.end, at.end, f"{_ADDED}[{', '.join(written)}]")]
        if not list_at.items:
            return [head, (list_at.start, list_at.end, f"[{', '.join(written)}]")]
        first = list_at.items[0].start
        gap = text[list_at.start + 1 : first]
        gap = gap if gap.isspace() and "\n" in gap else " "
        return [head, (first, first, "".join(f"{word},{gap}" for word in written))]

    return _change(text, edits, names)


def unwrap(text: str, names: Sequence[str] = ()) -> Change:
    """*text* with its servers as they were before `wrap`. Raises `sanitizer.proxy.jsonc.JsonError`."""

    def edits(_name: str, server: Node, command: str, args: Sequence[str]) -> list[Edit] | str:
        if not is_wrapped(command, args):
            return "it is not wrapped"
        at, list_at = server.get("command"), server.get("args")
        assert at  # noqa: S101 - its value is `command`
        assert list_at  # noqa: S101 - a wrapped server has them
        assert list_at.items  # noqa: S101
        inner = _inner(args)
        assert inner  # noqa: S101
        head = (at.start, at.end, text[list_at.items[inner].start : list_at.items[inner].end])
        if inner + 1 == len(args):
            was_added = text[at.end : list_at.start] == _ADDED
            return [head, (at.end, list_at.end, "") if was_added else (list_at.start, list_at.end, "[]")]
        return [head, (list_at.items[0].start, list_at.items[inner + 1].start, "")]

    return _change(text, edits, names)


def is_wrapped(command: str, args: Sequence[str]) -> bool:
    """Whether a server is started by `sanitizer exec`."""
    return Path(command).stem == "sanitizer" and args[:1] == ["exec"] and _inner(args) is not None


def _inner(args: Sequence[str]) -> int | None:
    """Where the wrapped command stands in the arguments of `sanitizer`; each of the options of `exec` has a value."""
    at = 1
    while at < len(args) and args[at].startswith("-"):
        if args[at] == "--":
            return at + 1 if at + 1 < len(args) else None
        at += 1 if "=" in args[at] else 2
    return None


def difference(before: str, after: str, name: str, clean: Callable[[str], str]) -> str:
    """A unified diff of *before* and *after* to show: what may be a secret is masked. *clean* redacts what it finds in a text."""
    now, then = (_masked(text, clean).splitlines(keepends=True) for text in (before, after))
    lines = difflib.unified_diff(now, then, f"{name} (now)", f"{name} (then)")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def replace_file(path: Path, text: str) -> Path:
    """Write *text* to *path*, atomically, with the mode it has; the copy of what it held, beside it. Raises `OSError`."""
    path = path.resolve()  # a link stays one
    mode = path.stat().st_mode & 0o7777
    backup = _beside(path, path.read_bytes(), mode, [f"{path.name}.bak", *(f"{path.name}.bak.{n}" for n in range(2, 1000))])
    new = _beside(path, text.encode(), mode, [f".{path.name}.{os.getpid()}"])
    os.replace(new, path)
    return backup


def _change(text: str, edits: Callable[[str, Node, str, Sequence[str]], list[Edit] | str], names: Sequence[str]) -> Change:
    found: list[Edit] = []
    changed: list[str] = []
    skipped: list[tuple[str, str]] = []
    for name, server in _servers(parse(text)):
        if names and name not in names:
            continue
        command, args = server.get("command"), server.get("args")
        words = args.strings() if args else []
        if command is None:
            skipped.append((name, "it is reached by URL" if server.get("url") or server.get("serverUrl") else "it has no command"))
        elif not isinstance(command.value, str) or words is None:
            skipped.append((name, "its command or its args are no strings"))
        elif isinstance(result := edits(name, server, command.value, words), str):
            skipped.append((name, result))
        else:
            changed.append(name)
            found += result
    for start, end, piece in sorted(found, reverse=True):
        text = text[:start] + piece + text[end:]
    return Change(text, changed, skipped)


def _servers(root: Node) -> Iterator[tuple[str, Node]]:
    """Every server: at the top (Claude Desktop, Cursor, VS Code's mcp.json), in `mcp` (its settings), by project (Claude Code)."""
    projects = root.get("projects")
    places = [root, root.get("mcp"), *(projects.members or {}).values()] if projects else [root, root.get("mcp")]
    for place in places:
        for section in _SECTIONS:
            servers = place.get(section) if place else None
            for name, server in ((servers.members or {}) if servers else {}).items():
                if server.members is not None:
                    yield name, server


def _masked(text: str, clean: Callable[[str], str]) -> str:
    edits: dict[int, Edit] = {}
    root = parse(text)
    for scalar in root.scalars():
        if isinstance(scalar.value, str) and (clean(scalar.value) != scalar.value or _OPAQUE.fullmatch(scalar.value)):
            edits[scalar.start] = (scalar.start, scalar.end, _MASK)
    for _, server in _servers(root):
        for kept in ("env", "headers"):
            for scalar in (server.get(kept) or Node(0, 0, items=())).scalars():
                edits[scalar.start] = (scalar.start, scalar.end, _MASK)
        args = server.get("args")
        previous = ""
        for item in (args.items if args else None) or ():
            word = item.value if isinstance(item.value, str) else ""
            follows = previous.startswith("-") and _SECRET_FLAG.search(previous) and "=" not in previous
            if (follows and not word.startswith("-")) or (("=" in word or ":" in word) and _SECRET_FLAG.search(word)):
                edits[item.start] = (item.start, item.end, _MASK)
            previous = word
    for start, end, piece in sorted(edits.values(), reverse=True):
        text = text[:start] + piece + text[end:]
    return "".join(clean(line) for line in text.splitlines(keepends=True))


def _beside(path: Path, content: bytes, mode: int, names: Sequence[str]) -> Path:
    """A new file beside *path* under the first of *names* that is free. Raises `OSError`."""
    for name in names:
        try:
            fd = os.open(path.with_name(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        with open(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(content)
            file.flush()
            os.fsync(fd)
        return path.with_name(name)
    raise FileExistsError(17, os.strerror(17), str(path))
