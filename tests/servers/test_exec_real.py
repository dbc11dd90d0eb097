"""Real servers behind `exec`, used by the official clients, in both protocol eras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servers.mcp_servers import McpServers

ROOT = Path(__file__).parents[2]
FRAME = "x" * 60_000
LEGACY, MODERN = "2025-11-25", "2026-07-28"


def use(servers: McpServers, client: str, calls: list[Any], command: list[str]) -> tuple[dict[str, Any], str]:
    """What *client* says of *calls* on the server that *command* starts, and what it saw of its standard error."""
    done = subprocess.run(
        [*servers.client(client), json.dumps(calls), *command],
        cwd=servers.folder,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said, done.stderr


def behind(path: Path, command: list[str]) -> list[str]:
    """*command* behind `exec`; a client may give it an environment of its own."""
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'sanitizer'; from sanitizer.cli.main import main; main()"
    return [sys.executable, "-c", start, "exec", "--name", "real", "--audit-file", str(path), "--", *command]


def calls_of(path: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [event for event in events if event["type"] == "call" and event["method"] == "tools/call"]


@pytest.mark.parametrize(
    ("client", "sdk", "protocol"),
    [("py1", "py1", LEGACY), ("py2", "py1", LEGACY), ("py1", "py2", LEGACY), ("py2", "py2", MODERN)],
)
def test_clients_and_servers_of_both_eras_see_no_difference(
    mcp_servers: McpServers, tmp_path: Path, client: str, sdk: str, protocol: str
) -> None:
    calls = [["echo", {"message": FRAME}], ["fail", {}], ["echo", {"message": "short"}]]
    command, path = mcp_servers.echo(sdk), tmp_path / "audit.ndjson"

    bare, _ = use(mcp_servers, client, calls, command)
    wrapped, log = use(mcp_servers, client, calls, behind(path, command))

    assert wrapped == bare
    assert wrapped["protocol"] == protocol
    assert wrapped["results"][0] == [False, len(FRAME)]
    assert "asked by [REDACTED:email] for 60000" in log
    assert "jane.doe" not in log + path.read_text()
    made = calls_of(path)
    assert [(event["tool"], event["outcome"]) for event in made] == [("echo", "ok"), ("fail", "tool_error"), ("echo", "ok")]
    assert made[0]["request_bytes"] > len(FRAME) < made[0]["response_bytes"]
    assert {event["protocol"] for event in made} == {protocol}


@pytest.mark.parametrize("client", ["py1", "py2", "node"])
def test_the_reference_servers_see_no_difference(mcp_servers: McpServers, tmp_path: Path, client: str) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "long.txt").write_text(FRAME)
    read = [["read_text_file", {"path": str(shown / "long.txt")}], ["read_text_file", {"path": "/etc/passwd"}]]
    for name, arguments, calls in (
        ("everything", ["stdio"], [["echo", {"message": FRAME}], ["echo", {"message": "short"}]]),
        ("filesystem", [str(shown)], read),
    ):
        command, path = mcp_servers.reference(name, *arguments), tmp_path / f"{name}.ndjson"

        bare, _ = use(mcp_servers, client, calls, command)
        wrapped, _ = use(mcp_servers, client, calls, behind(path, command))

        assert wrapped == bare
        assert wrapped["results"][0][1] >= len(FRAME)
        outcomes = ["tool_error" if failed else "ok" for failed, _ in bare["results"]]
        assert [(event["tool"], event["outcome"]) for event in calls_of(path)] == [
            (tool, outcome) for (tool, _), outcome in zip(calls, outcomes, strict=True)
        ]
