"""A gitleaks file of one's own becomes rules, and what cannot be carried over is said."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from engines import KEYS

from sanitizer.cli.rulecheck import check_files
from sanitizer.detection.exemptions import Exemptions
from sanitizer.detection.scan import Scanner
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets.database import compile_rules
from sanitizer.rulesets.gitleaks import convert
from sanitizer.rulesets.ruleset import RuleError, Selection, load

FILE = r'''
title = "our own"
[extend]
useDefault = true

[[rules]]
id = "Acme Token"
description = "Acme \"live\" tokens"
regex = """acme_(?:live|test)_[[:alnum:]]{8}\\b"""
keywords = ["acme_"]

[[rules]]
id = "named-secret"
regex = """(?i)(widget)(?:[ \\t\\w-]{0,20})[=:]\\s*['"]?([a-z0-9]{16})['"]?"""
secretGroup = 2
keywords = ["widget"]
entropy = 3.0
[[rules.allowlists]]
stopwords = ["example"]
regexes = ["^0000"]

[[rules]]
id = "near-gadget"
regex = """gk[0-9]{6}"""
keywords = ["gadget"]

[[rules]]
id = "by-path"
path = "\\.pem$"

[[rules]]
id = "needs-context"
regex = """[a-z0-9]+\\.acme\\.example"""

[[rules]]
id = "not-python"
regex = """(?U)acme.+x"""

[[rules]]
id = "with-path"
regex = """zcme_[a-f0-9]{8}"""
path = "config"

[allowlist]
paths = ["vendor/"]
regexes = ["acme_test_.*"]
'''


@pytest.fixture
def imported(tmp_path: Path) -> tuple[Path, list[str]]:
    """The converted file, and what was said."""
    (tmp_path / "gitleaks.toml").write_text(FILE)
    written, notes = convert(str(tmp_path / "gitleaks.toml"))
    (tmp_path / "imported.toml").write_text(written)
    return tmp_path / "imported.toml", notes


def text(path: Path, line: str) -> str:
    found = load(Selection(), [path])
    made = compile_rules(found)
    run = Redactor(Scanner(made), replacements(made.rules, KEYS), Exemptions(found.allow, made.rules))
    return run.text(line.encode()).decode()


@pytest.fixture
def rules(imported: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sanitizer.rulesets.ruleset.builtin", lambda: imported[0].parent / "elsewhere")
    return imported[0]


def test_what_is_imported_has_no_faults(imported: tuple[Path, list[str]]) -> None:
    assert check_files([imported[0]]) == (4, [])


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("use acme_live_AbCd1234 now", "use [REDACTED:acme-token] now"),
        ("use acme_test_AbCd1234 now", "use acme_test_AbCd1234 now"),
        ("widget key = 'a8f3k2m9x7q1w5z0' ok", "widget key = '[REDACTED:named-secret]' ok"),
        ("WIDGET: A8F3K2M9X7Q1W5Z0", "WIDGET: [REDACTED:named-secret]"),
        ("widget = aaaaaaaaaaaaaaaa", "widget = aaaaaaaaaaaaaaaa"),
        ("widget = exampleex8f3k2m9", "widget = exampleex8f3k2m9"),
        ("widget = 0000k2m9x7q1w5z0", "widget = 0000k2m9x7q1w5z0"),
        ("gadget gk123456", "gadget [REDACTED:near-gadget]"),
        ("widgets gk123456", "widgets gk123456"),
        ("zcme_0123abcd", "[REDACTED:with-path]"),
    ],
)
def test_keywords_entropy_groups_and_allowlists_are_honoured(rules: Path, line: str, clean: str) -> None:
    assert text(rules, line) == clean


def test_what_cannot_be_carried_over_is_said(imported: tuple[Path, list[str]]) -> None:
    said = "\n".join(imported[1])

    for words in (
        "extend: not followed; convert the other file, too",
        "by-path: left out: it has no regex",
        "needs-context: left out: its regex begins with no fixed piece, and it has no keywords",
        "not-python: left out: its regex is not one of Python's: it swaps greedy and lazy repetition (U)",
        "near-gadget: its keywords are looked for in the 400 bytes before a match, and not after it",
        "with-path: `path` not carried over",
        "the file's allowlist: allowlist `paths` not carried over: a log has none",
        "4 of 7 rules carried over",
    ):
        assert words in said


def test_the_description_is_kept(imported: tuple[Path, list[str]]) -> None:
    first = tomllib.loads(imported[0].read_text())["rule"][0]

    assert (first["id"], first["finds"]) == ("acme-token", 'Acme "live" tokens')


def test_a_file_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("a = ")

    with pytest.raises(RuleError, match=r"x\.toml: "):
        convert(str(tmp_path / "x.toml"))
