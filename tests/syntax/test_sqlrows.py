"""Rows of SQL: what is put into the column of a secret, and what it is compared with."""

from __future__ import annotations

import time

import pytest

from tests.engines import sanitize, scrubber

ROWS = [
    "INSERT INTO users (name, password) VALUES ('bob', '{}')",
    "12:00 sqlalchemy Col ('id', 'password', 'name')\n12:01 sqlalchemy Row (7, '{}', 'bob')\n12:02 sqlalchemy Row (8, '{}', 'eve')\n12:03 COMMIT",
    "DEBUG engine Col ('name', 'password')\nDEBUG engine Row ('bob', '{}')\nINFO ROLLBACK",
    "DELETE FROM users WHERE password IN ('{}') AND id = 7",
    "SELECT id FROM users WHERE password NOT IN ('{}', '{}') LIMIT 7",
    "SELECT id FROM users WHERE (name, password) = ('bob', '{}')",
    "SELECT id FROM users WHERE (password, name) = ('{}', 'bob')",
    'SELECT id FROM users WHERE ("password", "id") = (\'{}\', 7)',
    "create table if not exists users(id int, password text, note text); insert into users values(7,'{}','x')",
    "CREATE TABLE \"u\" (pay numeric(10,2) DEFAULT 0, password varchar(40), UNIQUE (pay)); INSERT INTO u VALUES (1, '{}'), (2, '{}')",
    '{"sql":"CREATE TABLE u (\\n id int,\\n password text\\n);\\nINSERT INTO u VALUES (1, \'{}\')"}',
]


@pytest.mark.parametrize("row", ROWS)
async def test_the_value_in_a_secrets_column_goes_and_the_others_stay(row: str) -> None:
    found = await sanitize(scrubber("raw"), [row.replace("{}", "Haven5566!x").encode() + b"\n"])
    assert b"\n".join(found).decode() == row.replace("{}", "[REDACTED:password]")


@pytest.mark.parametrize(
    "row",
    [
        "SELECT id FROM users WHERE password IN (SELECT hash FROM old)",
        "SELECT id FROM users WHERE name IN ('bob', 'alice')",
        "for password in (first, second):",
        "(user, password) = (request.user, request.password)",
        "WHERE (name, password) = ($1, $2)",
        "create table a (password text, n int); insert into b values ('Haven5566!x', 7)",
        "create table a (n int, password text); insert into a values ('Haven5566!x', ?)",
    ],
)
async def test_what_is_no_value_stays(row: str) -> None:
    assert await sanitize(scrubber("raw"), [row.encode() + b"\n"]) == [row.encode()]


async def test_a_row_that_is_cut_goes_on_in_no_other_record() -> None:
    lines = [b'Key (email)=({"log": "a', b'{"debug": "b"}']
    assert (await sanitize(scrubber("raw"), [b"\n".join([*lines, b""])]))[1] == lines[1]


async def test_names_without_values_take_no_time() -> None:
    started = time.perf_counter()
    await sanitize(scrubber("raw"), [b"(" + b"password," * 60_000 + b"x=\n"])
    assert time.perf_counter() - started < 5
