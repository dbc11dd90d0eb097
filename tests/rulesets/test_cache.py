"""The cache of compiled rules is believed only where nobody else could have written it, and nothing rests on it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from sanitizer.rulesets import cache as compiled_sets
from sanitizer.rulesets.cache import compiled
from sanitizer.rulesets.database import Compiled
from sanitizer.rulesets.ruleset import RuleError, Rules, Selection


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and one small file for all rules."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.toml").write_text('[[rule]]\nid = "acme"\npattern = "acme_[a-z]{4}"\n')
    monkeypatch.setattr(compiled_sets, "builtin", lambda: rules)
    monkeypatch.setattr("sanitizer.rulesets.ruleset.builtin", lambda: rules)
    monkeypatch.setenv("SANITIZER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which rule sets are compiled from now on, by digest."""
    made: list[str] = []
    real = compiled_sets.compile_rules

    def counted(rules: Rules) -> Compiled:
        made.append(rules.digest)
        return real(rules)

    monkeypatch.setattr(compiled_sets, "compile_rules", counted)
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


def own(monkeypatch: pytest.MonkeyPatch, owner: int) -> None:
    """Let every file be of *owner*, and this process be of somebody who is not root."""
    real = Path.stat

    def owned(path: Path, **how: bool) -> os.stat_result:
        found = list(real(path, **how))
        found[4] = owner
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.setattr(os, "getuid", lambda: 4711)


@pytest.mark.parametrize(("owner", "compilations_made"), [(4711, 0), (0, 0), (4712, 1)], ids=["this user", "root", "somebody else"])
def test_a_cache_is_believed_if_this_user_or_root_wrote_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch, owner: int, compilations_made: int
) -> None:
    compiled()
    made = compilations(monkeypatch)
    own(monkeypatch, owner)

    compiled()
    assert len(made) == compilations_made


def test_a_cache_of_another_engine_is_left_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled()
    made = compilations(monkeypatch)
    monkeypatch.setattr(compiled_sets, "engine", lambda: "other")

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


def test_rule_sets_are_looked_for_in_every_folder_and_kept_in_the_first(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled()
    made = compilations(monkeypatch)
    monkeypatch.setenv("SANITIZER_CACHE_DIR", f"{tmp_path / 'own'}{os.pathsep}{cache}")

    compiled()
    compiled(Selection(actions={"acme": "hash"}))
    assert len(made) == 1
    assert len(list((tmp_path / "own").iterdir())) == 1


def test_a_large_rule_set_is_compiled_by_a_process_of_its_own_to_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = compiled()
    the_file(cache).unlink()
    monkeypatch.setattr(compiled_sets, "LARGE_BYTES", 0)
    made = compilations(monkeypatch)

    assert compiled() == here
    assert not made
    assert the_file(cache)


def test_what_a_process_of_its_own_cannot_compile_is_compiled_here(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_sets, "LARGE_BYTES", 0)
    monkeypatch.setattr(compiled_sets, "_APART", "raise SystemExit(1)")
    made = compilations(monkeypatch)

    compiled()
    assert len(made) == 1


def test_a_rule_that_a_process_of_its_own_refuses_is_told_by_this_one(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_sets, "LARGE_BYTES", 0)
    (tmp_path / "rules" / "own.toml").write_text('[[rule]]\nid = "acme"\npattern = "acme_[a-z"\n')

    with pytest.raises(RuleError, match="rule 'acme'"):
        compiled()
    assert not cache.exists()
