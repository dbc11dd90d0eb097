"""Rule sets that have been compiled, kept in files: to compile takes seconds, and three times the memory that a start needs else.

A file holds what start-up needs and nothing else. It is named after the rules' digest and what made it, and is believed only if
nobody but this user or root can have written it and its own digest is right. A program that can write none merely starts slower.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from sanitizer.rulesets.database import Compiled, compile_rules
from sanitizer.rulesets.ruleset import Selection, builtin, digest, load, sources

MOST_KEPT = 8
"""Rule sets that are kept compiled: the oldest go when one is added."""

LARGE_BYTES = 1 << 16
"""Rule files of more are compiled by a process of their own: its memory goes with it, and no thread of this one waits."""

_MAKERS = (
    *("rulesets/anchors", "rulesets/keys", "rulesets/database", "protocol/calls"),
    *("disguises/encodings", "disguises/escapes", "disguises/foreign", "disguises/hexdump", "disguises/views"),
)
"""The modules of `sanitizer` that say what is scanned for."""

_APART = "import sys; sys.path[:] = sys.argv[1:]; from sanitizer.rulesets.cache import compile_order; compile_order()"


class Order(msgspec.Struct, frozen=True, array_like=True):
    """What another process is to compile."""

    selection: Selection
    files: tuple[str, ...]


def compiled(selection: Selection = Selection()) -> Compiled:  # noqa: B008 - frozen, so it is safe to share
    """The compiled rule set of *selection*, from the cache if it is there. Raises `RuleError`."""
    files = sources([builtin(), *selection.directories])
    name = f"{digest(files, selection)}-{engine()}.rules"
    found = stored(name)
    if found is None:
        if sum(file.stat().st_size for file in files) > LARGE_BYTES:
            found = compile_apart(Order(selection, tuple(map(str, files))))
        found = found or compile_rules(load(selection, files))
        store(folders()[0] / name, found)
    return found


def compile_apart(order: Order) -> Compiled | None:
    """What a process of its own made of *order*; nothing if it could not, which is for this one to do, or to tell why not."""
    command = [sys.executable, "-c", _APART, *sys.path]
    with suppress(OSError, msgspec.DecodeError):
        done = subprocess.run(command, input=msgspec.msgpack.encode(order), capture_output=True, check=False)  # noqa: S603 - this program
        return msgspec.msgpack.decode(done.stdout, type=Compiled)
    return None


def compile_order() -> None:
    """Carry out the `Order` on standard input: what is compiled goes to standard output."""
    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    made = compile_rules(load(order.selection, list(map(Path, order.files))))
    sys.stdout.buffer.write(msgspec.msgpack.encode(made))


def folders() -> Sequence[Path]:
    """Where compiled rule sets are looked for, and in the first of them kept."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    named = os.environ.get("SANITIZER_CACHE_DIR") or os.path.join(home, "mcp-log-sanitizer")
    return [Path(folder) for folder in named.split(os.pathsep)]


def engine() -> str:
    """What scans, and what makes the probes: part of the file's name, so that an old one is never taken for a new one."""
    try:
        from hyperscan import __version__ as version  # type: ignore[attr-defined]  # its stubs leave it out # noqa: PLC0415 - no wheel
    except ImportError:
        version = "regex"
    state = hashlib.sha256()
    package = Path(__file__).parents[1]
    for name in _MAKERS:
        state.update((package / f"{name}.py").read_bytes())
    machine = os.uname().machine if hasattr(os, "uname") else ""  # of two that share a home, one cannot load the other's
    return f"{version}-{machine}-{sys.version_info[0]}{sys.version_info[1]}-{state.hexdigest()[:8]}"


def stored(name: str) -> Compiled | None:
    """The rule set that is kept under *name*, if any is that can be believed."""
    for folder in folders():
        found = read(folder / name)
        if found is not None:
            return found
    return None


def read(path: Path) -> Compiled | None:
    """The rule set in the file at *path*, if it can be believed."""
    try:
        status = path.stat()
        data = path.read_bytes()
    except OSError:
        return None
    if hasattr(os, "getuid") and (status.st_uid not in (0, os.getuid()) or status.st_mode & 0o022):
        return None  # somebody else could have written it: rules are not taken from them
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    try:
        return msgspec.msgpack.decode(data[32:], type=Compiled)
    except msgspec.DecodeError:
        return None


def store(path: Path, found: Compiled) -> None:
    """Keep *found* at *path*, as far as that can be written, and of the others there the newest."""
    data = msgspec.msgpack.encode(found)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        os.replace(name, path)
        for old in sorted(path.parent.glob("*.rules"), key=lambda file: file.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink()
