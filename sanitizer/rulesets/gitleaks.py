"""A gitleaks or betterleaks rule file as rules of ours: https://github.com/gitleaks/gitleaks#configuration

Carried over: `regex`, `secretGroup`, `keywords`, `entropy`, `description`, and allowlists of regexes and stop words. Said to be
left behind: what looks at paths and commits, and what Python's `re` does not know.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from sanitizer import patterns
from sanitizer.rulesets import anchors
from sanitizer.rulesets.ruleset import RuleError

INLINE = patterns.lazy(r"\(\?([imsU]+)\)")
POSIX = {
    "[:alnum:]": "A-Za-z0-9",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:space:]": r"\s",
    "[:word:]": r"\w",
}
LINE_BYTES = 400


def convert(path: str) -> tuple[str, list[str]]:
    """The rules of the file at *path* as TOML, and a line for everything that could not be carried over. Raises `RuleError`."""
    try:
        parsed = tomllib.loads(Path(path).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as fault:
        raise RuleError(f"{path}: {fault}") from None
    notes: list[str] = []
    if "extend" in parsed:
        notes.append("extend: not followed; convert the other file, too")
    out = ['pack = "imported"', ""]
    count = 0
    for rule in parsed.get("rules", []):
        text = one(rule, notes)
        if text:
            out += [text, ""]
            count += 1
    for allow in [*parsed.get("allowlists", []), *([parsed["allowlist"]] if "allowlist" in parsed else [])]:
        out += allowance(allow, allow.get("targetRules", ()), notes, "the file's allowlist")
    notes.append(f"{count} of {len(parsed.get('rules', []))} rules carried over")
    return "\n".join(out), notes


def one(rule: dict[str, Any], notes: list[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", str(rule.get("id", "")).lower()).strip("-") or "imported"
    pattern = rule.get("regex")
    if not pattern:
        notes.append(f"{name}: left out: it has no regex (a rule on paths says nothing about a log)")
        return ""
    foreign = ("path", "required", "prefilter", "filter", "validate", "skipReport", "tokenEfficiency")
    notes += [f"{name}: `{key}` not carried over" for key in foreign if key in rule]
    try:
        ours = grouped(translated(str(pattern)), rule.get("secretGroup"))
        re.compile(ours.encode())
    except (re.error, ValueError) as fault:
        notes.append(f"{name}: left out: its regex is not one of Python's: {fault}")
        return ""
    keywords = [str(word) for word in rule.get("keywords", ())]
    lines = [
        "[[rule]]",
        f"id = {quoted(name)}",
        f"finds = {quoted(str(rule.get('description', name)))}",
        f"pattern = {literal(ours)}",
    ]
    try:
        anchors.derive(ours.encode())
        if keywords and not any(word.lower() in ours.lower() for word in keywords):  # else the match itself holds it
            lines += [f"keywords = {json.dumps(keywords)}", f"within = {LINE_BYTES}"]
            notes.append(f"{name}: its keywords are looked for in the {LINE_BYTES} bytes before a match, and not after it")
    except anchors.Undecidable:
        if not keywords:
            notes.append(f"{name}: left out: its regex begins with no fixed piece, and it has no keywords to look for instead")
            return ""
        lines += [f"anchor = {literal('(?i:' + '|'.join(re.escape(word) for word in keywords) + ')')}", "reach = true"]
    if rule.get("entropy"):
        lines.append(f"entropy = {float(rule['entropy'])}")
    for allow in [*rule.get("allowlists", []), *([rule["allowlist"]] if "allowlist" in rule else [])]:
        lines += ["", *allowance(allow, (name,), notes, name)]
    return "\n".join(lines)


def translated(pattern: str) -> str:
    """RE2 syntax in Python's: POSIX classes, `\\z`, flags in the middle."""
    for posix, ours in POSIX.items():
        pattern = pattern.replace(posix, ours)
    pattern = pattern.replace(r"\z", r"\Z")
    flags = "".join(sorted({flag for found in INLINE.findall(pattern) for flag in found if flag in "ims"}))
    if "U" in "".join(INLINE.findall(pattern)):
        raise ValueError("it swaps greedy and lazy repetition (U)")
    head = INLINE.match(pattern)
    body = INLINE.sub("", pattern)
    if not flags:
        return body
    if head is None and len(INLINE.findall(pattern)) == 1:  # flags for the rest of the pattern only
        before, _, after = re.split(r"(\(\?[ims]+\))", pattern, maxsplit=1)
        return f"{before}(?{flags}:{after})"
    return f"(?{flags}){body}"


def grouped(pattern: str, group: int | None) -> str:
    """*pattern* with the group that holds the secret called `secret`: the one that is named, else the first."""
    count = re.compile(pattern.encode()).groups
    number = group or (1 if count else 0)
    if not number or "(?P<secret>" in pattern:
        return pattern
    seen = 0
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            continue
        if char == "[":
            at = pattern.index("]", at + 2)
        elif char == "(" and (pattern[at + 1 : at + 2] != "?" or pattern[at + 1 : at + 4] == "?P<"):
            seen += 1
            if seen == number:
                rest = at + 1
                if pattern[rest : rest + 3] == "?P<":
                    rest = pattern.index(">", rest) + 1
                return f"{pattern[:at]}(?P<secret>{pattern[rest:]}"
        at += 1
    return pattern


def allowance(allow: dict[str, Any], rules: Any, notes: list[str], whose: str) -> list[str]:
    """One `[[allow]]` of an allowlist."""
    notes += [f"{whose}: allowlist `{key}` not carried over: a log has none" for key in ("paths", "commits") if key in allow]
    if allow.get("regexTarget", "secret") != "secret" and allow.get("regexes"):
        notes.append(f"{whose}: allowlist regexes on the {allow['regexTarget']} not carried over: only those on the secret are")
        regexes = []
    else:
        regexes = [f".*(?:{translated(str(text))}).*" for text in allow.get("regexes", ())]
    regexes += [f"(?i).*{re.escape(str(word))}.*" for word in allow.get("stopwords", ())]
    if not regexes:
        return []
    lines = ["[[allow]]", f"patterns = [{', '.join(literal(text) for text in regexes)}]"]
    if rules:
        lines.append(f"rules = {json.dumps([re.sub(r'[^a-z0-9]+', '-', str(name).lower()).strip('-') for name in rules])}")
    return [*lines, ""]


def quoted(text: str) -> str:
    return json.dumps(text)


def literal(text: str) -> str:
    return f"'''{text}'''" if "'''" not in text and not text.endswith("'") else json.dumps(text)
