"""Rules: read from TOML, checked field by field, selected. What Vectorscan makes of them is the business of `database`.

Everything that can be wrong with a rule is found here, before the first byte is read, and named with file, id, reason and mend.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

Action = Literal["mask", "hash", "partial", "remove", "blob", "keep"]


class RuleError(Exception):
    """Raised when rules cannot be trusted. The text names file, rule id, reason and mend; it holds no input."""


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: str
    after: str


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule as written; `rules/README.md` explains each field."""

    id: str
    kind: str = ""
    finds: str = ""
    source: str = ""
    pack: str = "default"
    pattern: str | None = None
    lead: str | None = None
    scan_lead: bool = False
    reach: bool = False
    anchor: str | None = None
    before: str = ""
    quick: str | None = None
    needs: str | None = None
    run: int = 0
    alphabet: Literal["base64", "list", "binary"] = "base64"
    fields: tuple[str, ...] = ()
    exempt_fields: tuple[str, ...] = ()
    extent: Literal["value", "line"] = "value"
    keywords: tuple[str, ...] = ()
    within: int = 40
    check: str | None = None
    entropy: float = 0.0
    action: Action = "mask"
    multiline: bool = False
    loose: bool = False
    tags: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    counterexamples: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    file: str = ""

    @property
    def label(self) -> str:
        """What the mask says."""
        return self.kind or self.id


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An exemption: the part of a finding that it matches is let through, never the rest of the value.

    `values` are exact, `patterns` are bytes patterns; with neither, all of the finding is let through. `rules`, `fields` and
    `tools` narrow it: empty means every one.
    """

    values: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pack: str = "default"
    source: str = ""
    rule: tuple[Rule, ...] = ()
    allow: tuple[Allow, ...] = ()


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which rules are in force. `profile = "strict"` takes every pack; `packs` adds to the default one."""

    profile: Literal["default", "strict"] = "default"
    packs: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    actions: Mapping[str, Action] = {}
    allow: tuple[Allow, ...] = ()


class Rules(msgspec.Struct, frozen=True):
    """Rules in force, in order of precedence, and their exemptions. `digest` names exactly this set."""

    rules: tuple[Rule, ...]
    allow: tuple[Allow, ...]
    digest: str


def builtin() -> Path:
    """The shipped rules: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "rules"
    return packaged if packaged.is_dir() else package.with_name("rules")


def sources(directories: Iterable[str | Path]) -> list[Path]:
    """Every rule file of *directories*, in a fixed order. Raises `RuleError` for one that cannot be listed or holds none."""
    found: list[Path] = []
    for directory in map(Path, directories):
        here = [directory] if directory.is_file() else sorted(directory.glob("*.toml")) if directory.is_dir() else []
        if not here:
            raise RuleError(f"{directory}: no rule files (*.toml) there; name a folder that holds some")
        found += here
    return found


def digest(files: Sequence[Path], selection: Selection) -> str:
    """A name for exactly these rules under exactly this selection: SHA-256, 16 hex digits."""
    state = hashlib.sha256(msgspec.json.encode(selection, order="sorted"))
    for file in files:
        data = file.read_bytes()
        state.update(b"%d:%s:%d:" % (len(file.name), file.name.encode(), len(data)))
        state.update(data)
    return state.hexdigest()[:16]


def read(file: Path) -> RuleFile:
    """One rule file, each rule with its pack, source and file filled in. Raises `RuleError`."""
    import tomllib  # noqa: PLC0415 - of no use where the compiled rules are cached

    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise RuleError(f"{file.name}: it is no TOML: {fault}") from None
    except OSError as fault:
        raise RuleError(f"{file.name}: it cannot be read: {fault.strerror}") from None
    try:
        parsed = msgspec.convert(written, RuleFile)
    except msgspec.ValidationError as fault:
        raise RuleError(f"{file.name}: {blame(written, str(fault))}; rules/README.md lists the fields") from None
    rules = tuple(
        msgspec.structs.replace(rule, pack=parsed.pack, source=rule.source or parsed.source, file=file.name) for rule in parsed.rule
    )
    return msgspec.structs.replace(parsed, rule=rules)


def blame(written: Mapping[str, object], fault: str) -> str:
    """*fault* with the id of the rule in the place of its number."""
    text, _, place = fault.partition(" - at `$")
    found = re.match(r"\.rule\[(\d+)\]\.?([\w.\[\]]*)", place)
    rules = written.get("rule")
    if not found or not isinstance(rules, list):
        return text + (f" (at {place.strip('.`')})" if place else "")
    rule = rules[int(found[1])]
    name = rule.get("id", f"number {int(found[1]) + 1}") if isinstance(rule, dict) else ""
    return f"rule {name!r}: {found[2] + ': ' if found[2] else ''}{text[:1].lower()}{text[1:]}"


def load(selection: Selection = Selection(), files: Sequence[Path] | None = None) -> Rules:  # noqa: B008 - frozen, so it is safe to share
    """Read, merge and select. A rule of one's own directory replaces the shipped one of the same id. Raises `RuleError`."""
    files = sources([builtin(), *selection.directories]) if files is None else files
    shipped = builtin()
    by_id: dict[str, Rule] = {}
    allow: list[Allow] = list(selection.allow)
    for file in files:
        parsed = read(file)
        allow += parsed.allow
        seen: set[str] = set()
        for rule in parsed.rule:
            if rule.id in seen:
                raise RuleError(f"{file.name}: rule {rule.id!r} is there twice; give one another id")
            seen.add(rule.id)
            if file.parent == shipped and rule.id in by_id:
                raise RuleError(f"{file.name}: rule {rule.id!r} is in {by_id[rule.id].file}, too; give one another id")
            by_id[rule.id] = rule
    named = {*selection.disable, *selection.actions, *(name for one in allow for name in one.rules)}
    for name in sorted(named - by_id.keys()):
        raise RuleError(f"no rule is called {name!r}; `sanitizer rules list` shows the ids")
    packs = {rule.pack for rule in by_id.values()}
    for pack in sorted(set(selection.packs) - packs):
        raise RuleError(f"no pack is called {pack!r}; there are {', '.join(sorted(packs))}")
    own = {file.name for file in files if file.parent != builtin()}
    wanted = {"default", *selection.packs}
    chosen = tuple(
        msgspec.structs.replace(rule, action=selection.actions.get(rule.id, rule.action))
        for rule in by_id.values()
        if rule.id not in selection.disable and (selection.profile == "strict" or rule.pack in wanted or rule.file in own)
    )
    if not chosen:
        raise RuleError("the rule set is empty: nothing would be redacted; select a pack or enable a rule")
    return Rules(chosen, tuple(allow), digest(files, selection))
