"""Parameters that stand apart from their statement."""

from __future__ import annotations

import pytest

from sanitizer.syntax import bound
from tests.engines import sanitize, scrubber

STATEMENTS = [
    'query: UPDATE "user" SET "password" = $1 WHERE "id" = $2 -- PARAMETERS: ["{}",7]',
    'UPDATE "Users" SET "password"=$1 WHERE "id" = $2; "{}", 7',
    'INSERT INTO "users" ("name","password") VALUES ($1,$2) ["bob", "{}"]',
    'UPDATE user SET password = ? WHERE id = ? (parameters: array{"1":"{}","2":7}, types: array{"1":2})',
    "params=('{}', 7) UPDATE users SET password = ? WHERE id = ?",
    "LOG:  execute <unnamed>: insert into users(id,password) values($1,$2)\nLOCATION:  x, postgres.c:1\nDETAIL:  parameters: $1 = '7', $2 = '{}'",
    "CONTEXT:  unnamed portal with parameters: $1 = '7', $2 = '{}'\nLOCATION:  x, nbtinsert.c:664\nSTATEMENT:  insert into users(id,password) values($1,$2)\n2026-11-30 done",
    "CONTEXT:  unnamed portal with parameters: $1 = '7', $2 = '{}'\n[SQL: insert into u(id,password) values(%(id)s,%(pw)s)]\n2026-11-30 done",
    "insert into u(id,password) values(?,?)\n2026 sqlalchemy.engine.Engine [generated in 0.0003s] [('7', '{}'), (8, '{}'), ('9', '{}')]",
    "[SQL: insert into u(id,password) values(?,?)]\n[parameters: [('7', '{}'), ('8', '{}')]]\ndone",
    "DETAIL:  parameters: $1 = 'kept'\nCONTEXT:  portal with parameters: $1 = '{}'\nSTATEMENT:  update u set password=$1\n2026-11-30 done",
    "{\n  method: 'update',\n  bindings: [\n    '{}',\n    '7'\n  ],\n  sql: 'update \"kn\" set \"password\" = ? where \"id\" = ?'\n}",
    'query insert into "kn" ("id", "password") values ($1, $2) [\n  \'7\',\n  \'{}\'\n]',
    (
        "i: insert into u(id,password) values(?,?)\nengine i: insert into u(id,password) values(?,?)\ni: [no key 0.1s] ('7', '{}')\n"
        "engine i: [no key 0.1s] ('7', '{}')\ndone"
    ),
    "[SQL: update u set password=%(p)s, id=%(i)s where email=%(e)s]\n[parameters: {'p': '{}', 'i': 'x359224', 'e': 'no'}]",
    "execute <unnamed>: INSERT INTO u (id, password) SELECT p0::TEXT, p1::VARCHAR(20) FROM (VALUES ($1, $2, 0), ($3, $4, 1)) AS i\nDETAIL:  parameters: $1 = '7', $2 = '{}', $3 = '8', $4 = '{}'",
    "{\n  method: 'insert',\n  bindings: [ '7', '{}' ],\n  __knexQueryUid: 'xYz',\n  sql: 'insert into \"kn\" (\"id\", \"password\") values (?, ?)',\n}",
    "[SQL: UPDATE accounts SET name=?, password=? WHERE id = ?]\n[parameters: ('bob', '{}', 7)]",
]


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_the_parameter_of_a_secrets_column_goes_and_the_others_stay(statement: str) -> None:
    found = await sanitize(scrubber("raw"), [statement.replace("{}", "Haven5566!x").encode() + b"\n"])
    assert b"\n".join(found).decode() == statement.replace("{}", "[REDACTED:password]")


@pytest.mark.parametrize(
    "statement",
    [
        '{"method": "x", "params": {"level": "info", "logger": "db", "data": "INSERT INTO t (name, password) VALUES ($1, $2)"}}',
        "SELECT id FROM users WHERE email = $1 AND password = $2",
        "UPDATE users SET password = ? WHERE id = ?",
        "SET password = :1",
        "INSERT INTO u (id, password) VALUES (%(id)s, %(pw)s)",
    ],
)
async def test_a_placeholder_is_no_secret(statement: str) -> None:
    assert await sanitize(scrubber("raw"), [statement.encode() + b"\n"]) == statement.encode().split(b"\n")


async def test_of_a_statement_that_was_executed_with_many_rows_all_values_go() -> None:
    rows = "[generated in 0.0003s] [('7', 'Haven5566!x'), (8, 'Quartz!vK3p~9041'), ('9', 'Mirko_gy7Q~3306')]"
    found = await sanitize(scrubber("raw"), [f"insert into u(id,password) values(?,?)\n{rows}\n".encode()])
    assert found[1].decode() == "[generated in 0.0003s] [('7', '{0}'), (8, '{0}'), ('9', '{0}')]".format("[REDACTED:password]")


def test_what_postgresql_lists_is_looked_for_as_near_as_all_else() -> None:
    near, far = (b"\nDETAIL:  parameters: $1 = 'Haven5566!x'\n%b; password=$1 \n" % (b"x" * size) for size in (100, 20_000))
    assert [near[slice(*span)] for span in bound.parameter(near, near.rfind(b"$1"))] == [b"Haven5566!x"]
    assert bound.parameter(far, far.rfind(b"$1")) == []


HIBERNATE = [
    ("select u.id from users u where u.password=?", ["binding parameter (1:VARCHAR) <- [{}]"]),
    ("insert into users (email, password) values (?, ?)", ["binding parameter [1] as [VARCHAR] - [bob]", "binding parameter [2] as [VARCHAR] - [{}]"]),
    ("update users set name=?, password=? where id=?", [f"binding parameter [{n}] as [VARCHAR] - [{value}]" for n, value in ((1, "bob"), (2, "{}"), (3, "17"))]),
]


@pytest.mark.parametrize(("statement", "told"), HIBERNATE)
async def test_what_hibernate_says_it_binds_to_the_place_of_a_secret_goes_however_it_is_read(statement: str, told: list[str]) -> None:
    lines = [f"Hibernate: {statement}", *[f"2026-03-14T10:00:00.123Z TRACE 1 --- [main] orm.jdbc.bind : {each}" for each in told], "INFO next"]
    data = "\n".join(lines).replace("{}", "Haven5566!x").encode() + b"\n"
    run = scrubber("raw")
    whole = await sanitize(run, [data])

    assert b"\n".join(whole).decode() == "\n".join(lines).replace("{}", "[REDACTED:password]")
    assert await sanitize(run, data.splitlines(keepends=True)) == whole


async def test_what_is_bound_to_another_statement_stays() -> None:
    lines = ["select 1 where password=?", *["INFO other"] * 6, "select 1 where name=?", "binding parameter [1] as [VARCHAR] - [Haven5566!x]"]

    assert await sanitize(scrubber("raw"), ["\n".join(lines).encode() + b"\n"]) == [line.encode() for line in lines]
