"""The PostgreSQL sink with a real server: which columns get what, who may write, and what a row at fault does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import orjson
import pytest
from fakes import batch
from faults.harness import Daemon, lines, wait_for

from sanitizer.dialects.views import render
from sanitizer.model import Receipt, Rejection, Retry, TooLarge
from servers.postgres_server import PostgresServer
from sinks import PostgresConfig
from sinks.options import Secret

ATOMS = """
create table mcp_audit_log (
    id bigserial primary key, record_id text unique, tool_name text not null, params text, status text, duration_ms double precision,
    user_id text, project_id text, session_id text, client_name text, created_at timestamptz not null, noted text default 'by default'
)
"""
EVENT = orjson.dumps(
    {"type": "call", "time": "2026-01-02T03:04:05Z", "method": "tools/call", "tool": "search", "outcome": "ok", "latency_ms": 12.5}
    | {"params_hash": "hmac-sha256:k:00ff", "user": "[user:6f1c9a42d0b3]"}
)


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.database()


def name(dsn: str) -> str:
    return dsn.rpartition("/")[2]


async def test_a_table_of_its_own_holds_each_record_once(postgres: PostgresServer, database: str) -> None:
    records = (b'{"timestamp":"2026-01-02T03:04:05.5Z","message":"one"}', b"plain text", b'{"message":"nul \\u0000 here"}')
    async with PostgresConfig(dsn=Secret(database), table="public.logs").open() as sink:
        assert await sink.send(batch(*records)) == Receipt()
        assert await sink.send(batch(*records)) == Receipt()
    rows = postgres.execute("select record_id, kind, extract(epoch from recorded_at), record->>'message' from logs", name(database))

    assert rows[0] == "lane:0|logs|1767323045.500000|one"
    assert len(rows) == 3
    assert rows[2].endswith("|nul \ufffd here")


async def test_a_table_of_someone_elses_gets_the_fields_its_columns_name(postgres: PostgresServer, database: str) -> None:
    postgres.execute(ATOMS, name(database))
    async with PostgresConfig(dsn=Secret(database), table="mcp_audit_log", create_table=False).open() as sink:
        assert await sink.send(batch(render("atoms", EVENT), kind="audit")) == Receipt()
    (row,) = postgres.execute("select tool_name, params, status, duration_ms, user_id, noted from mcp_audit_log", name(database))

    assert row == "search|hmac-sha256:k:00ff|success|12.5|[user:6f1c9a42d0b3]|by default"


async def test_a_role_that_may_only_insert_is_enough(postgres: PostgresServer, database: str) -> None:
    role = f"writer_{name(database)}"
    postgres.execute(ATOMS, name(database))
    postgres.execute(f"create role {role} login password 'wonderland-7'", name(database))
    postgres.execute(f"grant insert on mcp_audit_log to {role}", name(database))
    postgres.execute(f"grant usage on sequence mcp_audit_log_id_seq to {role}", name(database))
    dsn = postgres.dsn(name(database), role)
    async with PostgresConfig(dsn=Secret(dsn), table="mcp_audit_log", create_table=False).open() as sink:
        assert await sink.send(batch(render("atoms", EVENT), kind="audit")) == Receipt()

    assert postgres.execute("select count(*) from mcp_audit_log", name(database)) == ["1"]


async def test_a_row_at_fault_is_found_by_halves_and_its_text_is_not_told(postgres: PostgresServer, database: str) -> None:
    postgres.execute("create table counts (record_id text, number int)", name(database))
    good, bad = b'{"number":1}', b'{"number":"planted-text"}'
    async with PostgresConfig(dsn=Secret(database), table="counts", create_table=False).open() as sink:
        with pytest.raises(TooLarge):
            await sink.send(batch(good, bad))
        assert await sink.send(batch(bad, first=1)) == Receipt([Rejection(0, "InvalidTextRepresentationError (22P02)")])
        assert await sink.send(batch(good)) == Receipt()

    assert postgres.execute("select number from counts", name(database)) == ["1"]


@pytest.mark.parametrize("table", ["missing", "empty"])
async def test_a_table_that_cannot_take_it_is_the_operators_to_mend(postgres: PostgresServer, database: str, table: str) -> None:
    postgres.execute("create table empty (other int)", name(database))
    async with PostgresConfig(dsn=Secret(database), table=table, create_table=False).open() as sink:
        with pytest.raises(Retry) as trouble:
            await sink.send(batch(b'{"number":"planted-text"}'))
    assert "planted" not in str(trouble.value)


async def test_a_wrong_password_is_no_reason_to_lose_a_record(database: str) -> None:
    async with PostgresConfig(dsn=Secret(database.replace("wonderland-7", "planted-text"))).open() as sink:
        with pytest.raises(Retry, match="28P01") as trouble:
            await sink.send(batch(b"{}"))
    assert "planted" not in str(trouble.value)


def test_an_address_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="postgresql://USER") as trouble:
        PostgresConfig(dsn=Secret("mysql://me:planted-text@host/db"))
    assert "planted" not in f"{trouble.value!r} {trouble.value}"


async def test_a_daemon_that_is_killed_again_and_again_leaves_each_record_once(
    postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    (tmp_path / "in.log").write_bytes(lines(0, 20_000))
    config = tmp_path / "sanitizer.toml"
    source = f'type = "file"\npaths = ["{tmp_path}/in.log"]'
    sink = f'type = "postgres"\ndsn = "{database}"\nmax_batch_records = 500'
    config.write_text(f'state_dir = "{tmp_path}/state"\ncommit_secs = 0.05\n[[sources]]\n{source}\n[[sinks]]\n{sink}\n')

    def stored() -> int:
        try:
            return int(postgres.execute("select count(*) from mcp_log", name(database))[0])
        except subprocess.CalledProcessError:
            return 0  # no table yet

    for share in (1, 5_000, 10_000):
        with Daemon(config, "--once") as daemon:
            wait_for(lambda share=share: stored() >= share or daemon.process.poll() is not None, daemon)
            daemon.kill()
    with Daemon(config, "--once") as daemon:
        assert daemon.process.wait(60) == 0, daemon.said()
    said = postgres.execute("select count(*), count(distinct record->>'message'), max(record::text) from mcp_log", name(database))

    assert said[0].startswith("20000|20000|")
    assert not re.search(r"planted\.|ghp_", said[0])
