"""Tables of JSON: a secret's column is redacted in every array of values, and nothing beside it."""

from __future__ import annotations

import asyncio

import pytest

from tests.engines import sanitize, scrubber

TABLES = {
    "a spreadsheet": '{"range":"A1:B3","values":[["name","password"],["bob","{}"],["ann","{}"]]}',
    "a spreadsheet with a title of two words": '{"values":[["name","Root password","n"],["bob","{}",1]]}',
    "a database": '{"columns":["id","password","n"],"rows":[[3,"{}",1],[4,"{}",2]]}',
    "a dataframe": '{"columns":["id","password"],"index":[0,1],"data":[[3,"{}"],[4,"{}"]]}',
    "a table within a string": r'{"text":"{\"columns\":[\"id\",\"password\"],\"rows\":[[3,\"{}\"]]}"}',
    "lists of Python": "[['name', 'password'], ['bob', '{}']]",
    "values that are nested": '{"columns":["a","password"],"rows":[[{"x":[1]},"{}"],[[2],"{}"]]}',
}
CLEAN = [
    '{"required":["name","password"],"properties":{}}',
    '[["name","password"],["bob"]]',
    '{"columns":["id","password_hint"],"rows":[[3,"the usual 1"]]}',
    '{"columns":["id","password"],"rows":[[3,null],[4,""]]}',
    '{"columns":["id","password"],"rows":[]}',
]


def raw(line: str) -> str:
    return b"\n".join(asyncio.run(sanitize(scrubber("raw"), [line.encode() + b"\n"]))).decode()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_cells_below_a_name_go_and_nothing_beside_them(table: str) -> None:
    assert raw(table.replace("{}", "Cedar1657?")) == table.replace("{}", "[REDACTED:password]")


@pytest.mark.parametrize("line", CLEAN)
def test_names_without_values_stay(line: str) -> None:
    assert raw(line) == line
