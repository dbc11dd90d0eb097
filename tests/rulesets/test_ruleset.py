"""Rules are read, checked and selected before the first byte; what is wrong with one is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from sanitizer.rulesets.database import compile_rules
from sanitizer.rulesets.ruleset import Allow, RuleError, Selection, builtin, load

OWN = '[[rule]]\nid = "acme-token"\npattern = \'\'\'\\bacme_[A-Za-z0-9_]{8,}\'\'\'\n'


def written(folder: Path, text: str, name: str = "own.toml") -> str:
    (folder / name).write_text(text)
    return str(folder)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(RuleError) as caught:
        compile_rules(load(Selection(directories=(written(folder, text),))))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pack =\n", "own.toml: it is no TOML: Invalid value (at line 1, column 7)"),
        ('[[rule]]\nid = "x"\npatern = "abc"\n', "own.toml: rule 'x': object contains unknown field `patern`; rules/README.md lists the fields"),
        ('[[rule]]\nid = "x"\npattern = 3\n', "own.toml: rule 'x': pattern: expected `str | null`, got `int`; rules/README.md lists the fields"),
        ('[[rule]]\npattern = "abc"\n', "own.toml: rule 'number 1': object missing required field `id`; rules/README.md lists the fields"),
        ("[[allow]]\nvalues = 3\n", "own.toml: Expected `array`, got `int` (at allow[0].values); rules/README.md lists the fields"),
        (OWN + OWN, "own.toml: rule 'acme-token' is there twice; give one another id"),
        ('[[rule]]\nid = "x"\npattern = "abc("\n', "own.toml: rule 'x': its pattern does not compile: missing ), unterminated subpattern at position 3"),
        ('[[rule]]\nid = "x"\npattern = "a*"\n', "own.toml: rule 'x': its pattern matches the empty string"),
        ('[[rule]]\nid = "x"\npattern = ".*abc"\n', "own.toml: rule 'x': it begins with a piece of unknown width: give the rule an `anchor`"),
        ('[[rule]]\nid = "x"\n', "own.toml: rule 'x': it has neither a `pattern` nor `fields`, so it finds nothing"),
        ('[[rule]]\nid = "x"\nlead = "abc"\nfields = ["y"]\n', "own.toml: rule 'x': it has a `lead` but no `pattern` for what follows it"),
        ('[[rule]]\nid = "X y"\npattern = "abc"\n', "own.toml: rule 'X y': its id is not kebab-case (a-z, 0-9 and hyphens, at most 64)"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_with_its_file_its_id_and_the_reason(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said


def test_an_unknown_check_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[[rule]]\nid = "x"\npattern = "abcd"\ncheck = "luhm"\n')

    assert said.startswith("own.toml: rule 'x': no check is called 'luhm'; there are ")
    assert "luhn" in said


@pytest.mark.parametrize(
    "selection",
    [Selection(disable=("emial",)), Selection(actions={"emial": "hash"}), Selection(allow=(Allow(rules=("emial",)),))],
)
def test_an_unknown_rule_is_an_error_and_never_passed_over(selection: Selection) -> None:
    with pytest.raises(RuleError, match=r"^no rule is called 'emial'; `sanitizer rules list` shows the ids$"):
        load(selection)


def test_an_unknown_pack_is_an_error_that_names_those_that_there_are() -> None:
    with pytest.raises(RuleError, match=r"^no pack is called 'nope'; there are .*default.*national-ids"):
        load(Selection(packs=("nope",)))


def test_a_set_without_rules_is_refused(tmp_path: Path) -> None:
    written(tmp_path, OWN)

    with pytest.raises(RuleError, match=r"^the rule set is empty: nothing would be redacted; select a pack or enable a rule$"):
        load(Selection(disable=("acme-token",)), [tmp_path / "own.toml"])


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"no rule files \(\*\.toml\) there; name a folder that holds some"):
        load(Selection(directories=(str(tmp_path),)))


def test_three_lines_are_a_rule(tmp_path: Path) -> None:
    found = load(Selection(directories=(written(tmp_path, OWN),)))

    assert found.rules[-1].id == "acme-token"
    assert found.rules[-1].label == "acme-token"


def test_a_single_file_is_as_good_as_a_folder(tmp_path: Path) -> None:
    written(tmp_path, OWN)

    assert load(Selection(directories=(str(tmp_path / "own.toml"),))).rules[-1].id == "acme-token"


def test_a_rule_of_ones_own_replaces_the_shipped_one_of_its_id(tmp_path: Path) -> None:
    found = load(Selection(directories=(written(tmp_path, '[[rule]]\nid = "email"\npattern = "mail-"\n'),)))

    assert [rule.pattern for rule in found.rules if rule.id == "email"] == ["mail-"]


def test_a_rule_of_ones_own_is_in_force_whatever_its_pack(tmp_path: Path) -> None:
    found = load(Selection(directories=(written(tmp_path, 'pack = "imported"\n' + OWN),)))

    assert "acme-token" in {rule.id for rule in found.rules}


def test_packs_add_to_the_default_and_strict_takes_all() -> None:
    packs = [{rule.pack for rule in load(Selection(packs=packs)).rules} for packs in ((), ("national-ids",))]
    strict = {rule.pack for rule in load(Selection(profile="strict")).rules}

    assert packs[0] == {"default"}
    assert packs[1] == {"default", "national-ids"}
    assert strict > packs[1]


def test_rules_are_disabled_and_given_other_actions_by_id() -> None:
    found = {rule.id: rule for rule in load(Selection(disable=("iban",), actions={"email": "partial"})).rules}

    assert "iban" not in found
    assert found["email"].action == "partial"


def test_the_digest_names_the_files_and_the_selection() -> None:
    files = [builtin() / "github.toml"]
    one, same, other = load(files=files), load(files=files), load(Selection(profile="strict"), files)

    assert one.digest == same.digest != other.digest
