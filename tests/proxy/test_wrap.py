"""Clients' configurations: what `wrap` changes, what it leaves alone, what it shows, and how it writes."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.cli.main import main
from sanitizer.proxy import jsonc
from sanitizer.proxy.wrap import difference, is_wrapped, unwrap, wrap

CLAUDE = """{
  // servers of mine
  "mcpServers": {
    "crm": {"command": "npx", "args": ["-y", "attio-mcp", "--api-key", "hunter2hunter2"], "env": {"ATTIO_API_KEY": "abcd-1234"}},
    "db": {
      "command": "uvx",
      "args": [
        "mcp-server-postgres",
        "postgresql://joe:pa55word@db.example.com/x", /* main */
      ],
      "env": { "PLAIN": "looks-harmless" },
    },
    "bare": { "command": "/opt/my server" },
    "far": {"url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer abc"}}
  },
  "theme": "dark"
}
"""
SECRETS = ("hunter2hunter2", "abcd-1234", "pa55word", "looks-harmless", "Bearer abc")


def named(name: str) -> list[str]:
    return ["--name", name]


def unchanged(text: str) -> str:
    return text


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["wrap", *arguments], input=answer)


def servers(text: str) -> dict[str, Any]:
    """The commands of Claude's configuration, each as one list."""
    root = jsonc.parse(text).get("mcpServers")
    assert root
    assert root.members
    found: dict[str, Any] = {}
    for name, server in root.members.items():
        command, args = server.get("command"), server.get("args")
        found[name] = [command.value, *((args.strings() or []) if args else [])] if command else None
    return found


def test_every_started_server_is_put_behind_exec_and_the_others_stay() -> None:
    change = wrap(CLAUDE, "sanitizer", named)

    assert servers(change.text) == {
        "crm": ["sanitizer", "exec", "--name", "crm", "--", "npx", "-y", "attio-mcp", "--api-key", "hunter2hunter2"],
        "db": [
            "sanitizer",
            "exec",
            "--name",
            "db",
            "--",
            "uvx",
            "mcp-server-postgres",
            "postgresql://joe:pa55word@db.example.com/x",
        ],
        "bare": ["sanitizer", "exec", "--name", "bare", "--", "/opt/my server"],
        "far": None,
    }
    assert change.changed == ["crm", "db", "bare"]
    assert [name for name, _ in change.skipped] == ["far"]


def test_what_is_not_the_servers_command_stays_byte_for_byte() -> None:
    text = wrap(CLAUDE, "sanitizer", named).text

    assert "// servers of mine" in text
    assert "/* main */\n      ],\n" in text
    assert '        "mcp-server-postgres",\n' in text
    assert '        "--name",\n        "db",\n' in text
    assert text.endswith('  "theme": "dark"\n}\n')


def test_wrapping_twice_is_wrapping_once() -> None:
    once = wrap(CLAUDE, "/venv/bin/sanitizer", named).text

    assert wrap(once, "/venv/bin/sanitizer", named).changed == []
    assert wrap(once, "/venv/bin/sanitizer", named).text == once


def test_undo_restores_the_file() -> None:
    with_args = CLAUDE.replace('"/opt/my server"', '"/opt/my server", "args": []')

    assert unwrap(wrap(with_args, "sanitizer", named).text).text == with_args
    assert unwrap(wrap(CLAUDE, "sanitizer", named).text).text == CLAUDE, "where there were no args, there are none again"


@pytest.mark.parametrize(
    "path",
    [("mcpServers",), ("servers",), ("context_servers",), ("mcp", "servers"), ("projects", "/home/joe/work", "mcpServers")],
    ids="/".join,
)
def test_servers_are_found_where_clients_keep_them(path: tuple[str, ...]) -> None:
    tree: dict[str, Any] = {"crm": {"type": "stdio", "command": "npx", "args": ["attio-mcp"]}}
    for name in reversed(path):
        tree = {name: tree}

    assert wrap(json.dumps(tree), "sanitizer", named).changed == ["crm"]


def test_a_server_whose_command_cannot_be_told_is_left_alone_and_said() -> None:
    text = '{"mcpServers": {"a": {"command": {"path": "x"}}, "b": {"command": "x", "args": [1]}, "c": {}}}'

    change = wrap(text, "sanitizer", named)

    assert (change.text, change.changed, len(change.skipped)) == (text, [], 3)


words = st.lists(st.text(max_size=8), max_size=4)


@given(st.dictionaries(st.text(max_size=5), st.tuples(st.text(max_size=8), words), max_size=3), st.sampled_from([None, 2, "\t"]))
def test_undo_takes_back_whatever_was_wrapped(made: dict[str, tuple[str, list[str]]], indent: int | str | None) -> None:
    tree = {"mcpServers": {name: {"command": command, "args": args} for name, (command, args) in made.items()}}
    text = json.dumps(tree, indent=indent)
    change = wrap(text, "sanitizer", named)

    assert json.loads(unwrap(change.text).text) == tree
    assert all(is_wrapped(server["command"], server["args"]) for server in json.loads(change.text)["mcpServers"].values())


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_is_read_with_the_place_of_every_scalar(tree: Any) -> None:
    text = json.dumps(tree, indent=1)

    assert all(json.loads(text[node.start : node.end]) == node.value for node in jsonc.parse(text).scalars())


@pytest.mark.parametrize(
    "text", ["", "{", '{"a"}', '{"a": }', '{"a": 1} x', "[1 2]", '"a', "[" * 1000, "{a: 1}", '{"a": nul}', "[,]"]
)
def test_what_is_no_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(jsonc.JsonError, match=r"^line \d+, column \d+ is no JSON$"):
        jsonc.parse(text)


def test_the_difference_shows_no_secret() -> None:
    shown = difference(CLAUDE, wrap(CLAUDE, "sanitizer", named).text, "mcp.json", unchanged)

    assert (
        '+    "crm": {"command": "sanitizer", "args": ["exec", "--name", "crm", "--", "npx", "-y", "attio-mcp", "--api-key", "***"]'
        in shown
    )
    assert [secret for secret in (*SECRETS[:2], *SECRETS[3:4]) if secret in shown] == []


@pytest.mark.parametrize(
    "args",
    [
        ["--token", "opensesame"],
        ["--api-key=opensesame"],
        ["-e", "DB_PASSWORD=opensesame"],
        ["--header", "Authorization: opensesame"],
        ["run", "opensesame0opensesame0"],
        ["postgresql://joe:opensesame@db.example.com/x"],
        ["--mail", "opensesame@example.com"],
    ],
    ids=" ".join,
)
def test_secrets_among_the_arguments_are_not_shown(args: list[str], tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"crm": {"command": "npx", "args": args}}}, indent=2))

    result = run("--dry-run", str(path))

    assert "npx" in result.output
    assert "opensesame" not in result.output


def test_it_asks_before_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(CLAUDE)

    refused = run(str(path), answer="n\n")
    assert "Write" in refused.output
    assert path.read_text() == CLAUDE

    assert run(str(path), answer="y\n").exit_code == 0
    assert path.read_text() != CLAUDE
    assert [secret for secret in SECRETS if secret in refused.output] == []


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(CLAUDE)

    assert "exec" in run("--dry-run", "--yes", str(path)).output
    assert os.listdir(tmp_path) == ["mcp.json"]
    assert path.read_text() == CLAUDE


def test_the_file_keeps_its_mode_its_link_and_a_backup(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "mcp.json"
    real.write_text(CLAUDE)
    real.chmod(0o640)
    link.symlink_to(real)

    run("--yes", str(link))
    run("--yes", "--undo", str(link))

    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"real.json", "mcp.json", "real.json.bak", "real.json.bak.2"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}
    assert (tmp_path / "real.json.bak").read_text() == CLAUDE


def test_one_server_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(CLAUDE)

    run("--yes", "--name", "crm", str(path))

    assert [name for name, command in servers(path.read_text()).items() if command and "exec" in command] == ["crm"]
    assert run("--yes", "--name", "nobody", str(path)).exit_code == 2


def test_each_server_gets_an_audit_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"my crm/1": {"command": "npx"}}}')

    run("--yes", "--audit-dir", str(tmp_path / "audit"), str(path))

    assert servers(path.read_text())["my crm/1"][1:6] == [
        "exec",
        "--name",
        "my crm/1",
        "--audit-file",
        str(tmp_path / "audit/my-crm-1.ndjson"),
    ]
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700


def test_a_file_that_is_no_json_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"token": hunter2}}')

    result = run("--yes", str(path))

    assert result.exit_code == 2
    assert "line 1, column 26 is no JSON" in result.output
    assert "hunter2" not in result.output
    assert os.listdir(tmp_path) == ["mcp.json"]
