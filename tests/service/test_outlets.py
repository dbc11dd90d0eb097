"""Sinks that cannot be opened are told of in one sentence, with the mend."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sanitizer.pipeline.state import State
from sanitizer.service import config
from sanitizer.service.outlets import Outlets, SinkError
from sanitizer.service.telemetry import Metrics

CONFIG = '[[sources]]\ntype = "stdin"\n[[sinks]]\ntype = "postgres"\ndsn = "postgres://planted-text@h/d"\n'


async def test_a_sink_whose_package_is_missing_names_it_and_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    state = State(tmp_path / "state")
    outlets = Outlets(tmp_path, state, Metrics(), lambda _: "spool", lambda _name, _number: None)
    try:
        with pytest.raises(SinkError, match=r"sink postgres: needs asyncpg.*pip install") as trouble:
            await outlets.change(config.parse(CONFIG, "c.toml", {}), never_stops=False)
    finally:
        await outlets.close()
        state.close()
    assert "planted" not in str(trouble.value)


async def test_a_sink_whose_file_cannot_be_opened_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    wanted = f'[[sources]]\ntype = "stdin"\n[[sinks]]\ntype = "file"\npath = "{tmp_path}/taken/out"\n'
    state = State(tmp_path / "state")
    outlets = Outlets(tmp_path, state, Metrics(), lambda _: "spool", lambda _name, _number: None)
    try:
        with pytest.raises(SinkError, match=r"^sink file: .*/taken.*: cannot be opened: "):
            await outlets.change(config.parse(wanted, "c.toml", {}), never_stops=False)
    finally:
        await outlets.close()
        state.close()
