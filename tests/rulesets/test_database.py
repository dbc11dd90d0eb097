"""The cache of compiled rules is believed only where nobody else could have written it, and nothing rests on it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from engines import KEYS

from sanitizer.detection.scan import Scanner
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets import database
from sanitizer.rulesets.database import Compiled, compiled
from sanitizer.rulesets.ruleset import Rule, RuleError, Rules, Selection


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and one small file for all rules."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.toml").write_text('[[rule]]\nid = "acme"\npattern = "acme_[a-z]{4}"\n')
    monkeypatch.setattr(database, "builtin", lambda: rules)
    monkeypatch.setattr("sanitizer.rulesets.ruleset.builtin", lambda: rules)
    monkeypatch.setenv("SANITIZER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which rule sets are compiled from now on, by digest."""
    made: list[str] = []
    real = database.compile_rules

    def counted(rules: Rules) -> Compiled:
        made.append(rules.digest)
        return real(rules)

    monkeypatch.setattr(database, "compile_rules", counted)
    return made


def the_file(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def test_the_second_start_compiles_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = compilations(monkeypatch)
    first, second = compiled(), compiled()

    assert len(made) == 1
    assert first == second
    assert cache.stat().st_mode & 0o077 == 0
    assert the_file(cache).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.chmod(0o622),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:40]),
    ],
    ids=["writable by others", "changed", "empty", "cut"],
)
def test_a_cache_that_cannot_be_trusted_is_not_believed(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: object) -> None:
    first = compiled()
    damage(the_file(cache))  # type: ignore[operator] # one of the above
    made = compilations(monkeypatch)

    assert compiled() == first
    assert len(made) == 1


def test_a_cache_of_another_user_is_not_believed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled()
    made = compilations(monkeypatch)
    monkeypatch.setattr(os, "getuid", lambda: 4711)

    compiled()
    assert len(made) == 1


def test_a_cache_of_another_engine_is_left_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled()
    made = compilations(monkeypatch)
    monkeypatch.setattr(database, "engine", lambda: "other")

    compiled()
    assert len(made) == 1
    assert len(list(cache.iterdir())) == 2


def test_another_selection_is_another_set(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = compilations(monkeypatch)
    compiled()
    hashed = compiled(Selection(actions={"acme": "hash"}))

    assert len(set(made)) == 2
    assert hashed.rules[0].action == "hash"


def test_a_cache_that_cannot_be_written_only_makes_the_start_slower(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    made = compilations(monkeypatch)

    assert compiled() == compiled()
    assert len(made) == 2


def test_what_is_cached_holds_what_scanning_needs_and_no_example(cache: Path) -> None:
    (rule,) = compiled().rules

    assert (rule.id, rule.file, rule.examples) == ("acme", "own.toml", ())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(compiled()), type=Compiled) == compiled()


def test_what_vectorscan_refuses_is_named() -> None:
    probe = database.Probe(b"[", 1, 0)

    with pytest.raises(RuleError, match=r"own\.toml: rule 'acme': Vectorscan cannot compile its anchor: "):
        database.serialize([probe], [Rule(id="acme", file="own.toml")])


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("{} is here", "stripe-secret-key"),
        ("the key {}", "stripe-secret-key"),
        ("api_key={}", "stripe-secret-key"),
        ('{{"token": "{}"}}', "stripe-secret-key"),
    ],
)
def test_a_token_is_called_by_its_provider_whatever_it_stands_under(line: str, kind: str) -> None:
    run = Redactor(Scanner(compiled()), replacements(compiled().rules, KEYS)).text

    assert run(line.format("sk_live_GhAmvGJ6vRdLmXHL8dkfbztJ").encode()) == line.format(f"[REDACTED:{kind}]").encode()


def test_what_has_a_name_is_called_by_it_rather_than_by_a_form_that_many_share() -> None:
    run = Redactor(Scanner(compiled()), replacements(compiled().rules, KEYS)).text

    assert run(b"password=anna@example.com") == b"password=[REDACTED:password]"
    assert run(b"password=a9b3c1d2-1111-4222-8333-123456789abc") == b"password=[REDACTED:password]"
    assert run(b"mcp-session-id: a9b3c1d2-1111-4222-8333-123456789abc").startswith(b"mcp-session-id: [session:")
