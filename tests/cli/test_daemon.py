"""The commands around a configuration."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes import batch

from sanitizer.cli.daemon import deadletters, schema, validate
from sanitizer.model import Rejection
from sanitizer.pipeline.state import State


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(
        f'state_dir = "{tmp_path}/state"\n[[sources]]\ntype = "stdin"\n[[sinks]]\ntype = "file"\npath = "{tmp_path}/out"\n'
    )
    return path


@pytest.fixture
def letters(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    asyncio.run(state.bury("file", batch(b'{"a":1}', b'{"b":2}'), [Rejection(0, "status 400"), Rejection(1, "mapping")]))
    asyncio.run(state.bury("gone", batch(b'{"c":3}'), [Rejection(0, "no")]))
    state.close()


def test_a_good_configuration_passes(config: Path) -> None:
    result = CliRunner().invoke(validate, [str(config)])
    assert result.exit_code == 0, result.output
    assert "no faults" in result.output


def test_every_fault_is_told_and_the_exit_code_is_2(config: Path) -> None:
    config.write_text("a = 1\nb = 2\n")
    result = CliRunner().invoke(validate, [str(config)])
    assert result.exit_code == 2
    assert result.output.count("there is no such key") == 2


def test_faults_of_the_rules_are_faults(config: Path) -> None:
    config.write_text(config.read_text() + '[rules]\npacks = ["no-such-pack"]\n')
    result = CliRunner().invoke(validate, [str(config)])
    assert result.exit_code == 2
    assert "no-such-pack" in result.output


def test_the_schema_is_json() -> None:
    result = CliRunner().invoke(schema)
    assert "sources" in json.loads(result.output)["$defs"]["Config"]["properties"]


@pytest.mark.usefixtures("letters")
def test_dead_letters_are_listed_for_people_and_for_programs(config: Path) -> None:
    shown = CliRunner().invoke(deadletters, ["list", "--config", str(config)]).output
    assert "status 400" in shown
    assert '{"c":3}' in shown
    lines = CliRunner().invoke(deadletters, ["list", "--config", str(config), "--json", "--sink", "file"]).output.splitlines()
    assert [json.loads(line)["record"] for line in lines] == ['{"a":1}', '{"b":2}']


@pytest.mark.usefixtures("letters")
def test_replayed_letters_reach_their_sink_and_are_gone_from_here(config: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(deadletters, ["replay", "--config", str(config)])
    assert result.exit_code == 1
    assert "gone: 1 left" in result.output
    assert (tmp_path / "out").read_bytes() == b'{"a":1}\n{"b":2}\n'
    assert CliRunner().invoke(deadletters, ["replay", "--config", str(config), "--sink", "file"]).exit_code == 0
    assert (tmp_path / "out").read_bytes() == b'{"a":1}\n{"b":2}\n'


def test_a_letter_without_a_record_is_never_sent(config: Path, tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    asyncio.run(state.mark("file", batch(b'{"a":1}', b'{"b":2}'), 1))
    state.close()
    result = CliRunner().invoke(deadletters, ["replay", "--config", str(config)])
    assert (result.exit_code, result.output) == (1, "file: 1 left\n")
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize("command", ["list", "replay", "purge"])
def test_a_sink_that_never_was_is_told(config: Path, command: str) -> None:
    result = CliRunner().invoke(deadletters, [command, "--config", str(config), "--sink", "flie"])
    assert result.exit_code == 2
    assert "--sink: none is called 'flie'; there are file" in result.output


@pytest.mark.usefixtures("letters")
def test_purging_asks_first(config: Path) -> None:
    refused = CliRunner().invoke(deadletters, ["purge", "--config", str(config)], input="n\n")
    assert refused.exit_code == 1
    assert "3 deleted" in CliRunner().invoke(deadletters, ["purge", "--config", str(config), "--yes"]).output
    assert CliRunner().invoke(deadletters, ["list", "--config", str(config)]).output == ""
