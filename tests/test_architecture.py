"""What holds for the project as a whole: who makes Clean, who imports whom, what the wheel holds, what the documents say."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("sanitizer/**/*.py"), *ROOT.glob("sinks/**/*.py")])
MAKERS = {
    "sanitizer/redaction/scrub.py",  # the redaction,
    *("sanitizer/redaction/document.py", "sanitizer/redaction/terminal.py"),  # and its two output formats
    *("sanitizer/audit/chain.py", "sanitizer/dialects/views.py"),  # audit events hold no payload, whatever they are called
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _calls(path: Path) -> Iterator[str]:
    """Names of what *path* calls, the last part of dotted ones, and the targets of `cast`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
            yield name
            if name == "cast" and node.args:
                yield ast.unparse(node.args[0]).strip("\"'").rpartition(".")[2]


def test_only_scrub_and_audit_make_clean_bytes() -> None:
    assert {_name(path) for path in SOURCES if "Clean" in _calls(path)} <= MAKERS


def test_the_search_for_makers_sees_calls_and_casts(tmp_path: Path) -> None:
    path = tmp_path / "leak.py"
    path.write_text("a = model.Clean(b'x')\nb = cast('Clean', b'y')\n")

    assert list(_calls(path)) == ["Clean", "cast", "Clean"]


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_every_sink_is_in_the_contract_that_keeps_sinks_apart() -> None:
    from sinks import SinkConfig

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    apart = next(contract["modules"] for contract in contracts if contract["type"] == "independence")

    assert {".".join(member.__module__.split(".")[:2]) for member in SinkConfig.__args__} == set(apart)
    assert all(issubclass(member, msgspec.Struct) for member in SinkConfig.__args__)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_holds_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 300
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)
    assert not {"utils", "helpers", "manager", "handler", "base", "common", "misc"} & set(path.stem.split("_"))


def test_the_vocabulary_is_read_in_a_minute() -> None:
    assert len((ROOT / "sanitizer/model.py").read_text(encoding="utf-8").splitlines()) <= 170


def test_the_wheel_holds_every_rule_and_no_test(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"sanitizer/rules/{path.name}" for path in ROOT.glob("rules/*.toml")} <= names
    assert {name.split("/")[0] for name in names if not name.split("/")[0].endswith(".dist-info")} == {"sanitizer", "sinks"}


def test_rules_are_read_from_the_checkout_when_there_is_one() -> None:
    from sanitizer.rulesets.ruleset import builtin

    assert Path(str(builtin())).resolve() == ROOT / "rules"


def test_the_readme_sets_up_with_two_commands_of_one_line() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    assert [len(block.strip().splitlines()) for block in blocks] == [1, 1]
    assert blocks[1].strip() in (ROOT / ".ci/run").read_text(encoding="utf-8")


def _documented() -> list[str]:
    documents = [ROOT / "README.md", ROOT / "rules/README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    spans = re.findall(r"`(sanitizer [a-z][^`\n]*)`", text) + re.findall(
        r"^    (?:.*[|>(] ?\(?)?(sanitizer [a-z].*?)\)?$", text, re.MULTILINE
    )
    return sorted({span.partition("  #")[0].strip() for span in spans})


@pytest.mark.parametrize("command", _documented())
def test_what_the_documents_call_exists(command: str) -> None:
    from click import Command, Context, Group
    from click.testing import CliRunner

    from sanitizer.cli.main import main

    words = [word for word in shlex.split(command, comments=True)[1:] if word != "|"]
    names: list[str] = []
    for word in words:
        if not re.fullmatch(r"[a-z-]+", word) or word.startswith("-"):
            break
        names.append(word)
    node: Command = main
    path: list[str] = []
    while names and isinstance(node, Group) and (found := node.get_command(Context(node), names[0])):
        path.append(names.pop(0))
        node = found
    assert path, command
    shown = CliRunner().invoke(main, [*path, "--help"]).output

    assert [word for word in words if word.startswith("--") and word != "--" and word.partition("=")[0] not in shown] == []


def test_links_between_documents_lead_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        assert [link for link in links if not (document.parent / link).exists()] == [], document


def test_the_architecture_page_names_every_module() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = {name.rpartition("/")[2] for name in re.findall(r"`([a-z0-9_/]+)`", page)}

    assert {path.stem for path in SOURCES} - {"__init__", "__main__"} - named == set()


def test_every_test_that_a_page_names_exists() -> None:
    named = {name for page in ROOT.glob("docs/*.md") for name in re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))}
    found = {name for path in ROOT.glob("tests/**/test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}

    assert named
    assert named <= found
