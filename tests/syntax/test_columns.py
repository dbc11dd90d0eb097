"""Tables: a secret's column is redacted in every row below its name, and nothing beside it."""

from __future__ import annotations

import asyncio
import json

import pytest

from sanitizer.syntax.columns import cells
from tests.engines import sanitize, scrubber


def raw(*pieces: str) -> str:
    return b"\n".join(asyncio.run(sanitize(scrubber("raw"), [piece.encode() for piece in pieces]))).decode()


TABLES = {
    "csv": "id,name,password,active\n7,bob,{},true\n8,ann,{},false",
    "quoted csv": '"id","password"\n"7","{}"',
    "semicolons": "id;password;active\n7;{};1",
    "tabs": "id\tpassword\tactive\n7\t{}\t1",
    "markdown": "| id | Password |\n|----|:--:|\n| 7 | {} |",
    "psql": " id |  password   | active\n----+-------------+--------\n  7 | {} | t\n(1 row)",
    "mysql": "+----+-------------+\n| id | password    |\n+----+-------------+\n|  7 | {} |\n+----+-------------+",
    "box": "┏━━━━┳━━━━━━━━━━━━━┓\n┃ id ┃ password    ┃\n┡━━━━╇━━━━━━━━━━━━━┩\n│ 7  │ {} │\n└────┴─────────────┘",
    "polars": "│ id  ┆ password    │\n│ --- ┆ ---         │\n│ i64 ┆ str         │\n╞═════╪═════════════╡\n│ 7   ┆ {} │",
    "pandas": "   id     password\n0   7  {}",
    "copy": "COPY public.users (id, password, active) FROM stdin;\n7\t{}\tt\n\\.",
    "html": "<table><tr><th>id</th><th>Password</th></tr><tr><td>7</td><td>{}</td></tr></table>",
    "zeek": "#fields\tts\tuser\tpassword\n17419.5\tbob\t{}",
}


def test_a_line_of_names_is_none_from_its_second_name_on() -> None:
    lines = "id|email|password|created_at\nKEY = 'kestrel' | 'kestrel'"
    assert raw(lines) == lines


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_cells_below_the_name_of_a_secret_go_and_the_others_stay(table: str) -> None:
    assert raw(table.replace("{}", "Haven5566$x") + "\n") == table.replace("{}", "[REDACTED:password]")


@pytest.mark.parametrize("table", [table for name, table in TABLES.items() if name not in ("polars", "pandas", "copy", "zeek")])
def test_a_table_ends_where_another_one_begins(table: str) -> None:
    other = table.replace("password", "location").replace("Password", "Location").replace("{}", "Graz8010!x")
    assert raw(f"{table.replace('{}', 'Haven5566$x')}\n{other}\n").endswith(other)


def test_a_cell_that_a_console_shortens_goes_too() -> None:
    table = "┃ id ┃ password   ┃ api_key     ┃\n┡━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━┩\n│ 7… │ Haven5566… │ 7f7a61071f… │\n└────┴────────────┴─────────────┘"
    expected = table.replace("Haven5566", "[REDACTED:password]").replace("7f7a61071f", "[REDACTED:secret]")
    assert raw(table) == expected


def test_a_pipeline_is_no_line_of_names() -> None:
    assert raw("cat users | chpasswd\n", "cat 7 | sudo-8 -S apt\n") == "cat users | chpasswd\ncat 7 | sudo-8 -S apt"


def test_a_table_within_a_string_of_json_is_read_as_one() -> None:
    line = json.dumps({"msg": "| id | password |\n|---|---|\n| 7 | Haven5566$x |"})
    assert raw(line + "\n") == line.replace("Haven5566$x", "[REDACTED:password]")


def test_what_a_logger_writes_before_each_line_is_no_part_of_a_table() -> None:
    lines = "Mar 14 09:26:53 h app[7]: id,password\nMar 14 09:26:54 h app[7]: 7,Haven5566$x"
    assert raw(lines + "\n") == lines.replace("Haven5566$x", "[REDACTED:password]")


def test_rows_that_come_later_are_read_below_the_names_that_came_before() -> None:
    assert raw("id,password\n", "7,Haven5566$x\n", "8,Sommer9!a\n9,Winter7!b\n") == "\n".join(
        ["id,password", "7,[REDACTED:password]", "8,[REDACTED:password]", "9,[REDACTED:password]"]
    )


def test_a_table_ends_with_the_first_line_that_has_other_cells() -> None:
    assert raw("id,password\n", "7,Haven5566$x\n", "done\n", "8,Sommer9!a\n").splitlines()[-1] == "8,Sommer9!a"


@pytest.mark.parametrize(
    "text",
    [
        "id,password_set,active\n7,2025-03-14,true",
        "id,password,active\n7,NULL,true",
        "| Field | Type |\n|---|---|\n| password | varchar(255) |",
        "user, password, token\n2025-03-14 09:26:53,589 INFO ready, waiting, 3 left",
        "id,name\n7,Haven5566$x",
    ],
)
def test_a_table_without_a_secret_stays_as_it_is(text: str) -> None:
    assert raw(text + "\n") == text


def test_a_long_line_of_names_costs_no_more_than_its_length() -> None:
    line = b"\n" + b"name," * 400 + b"password,x y z, %$\n7," * 3
    assert cells(line, line.index(b"password"), line.index(b"password") + 9) == []


@pytest.mark.parametrize("number", ["810 11 89 04", "(021) 8354675", "0800 124 0990", "+41 44 668 18 00", "030 213-172 x12"])
def test_a_number_of_a_telephone_in_groups_is_a_cell_and_no_sentence(number: str) -> None:
    assert raw(f"name,phone,city\nAna,{number},Bern\n") == "name,phone,city\nAna,[REDACTED:phone],Bern"


def test_a_sentence_with_as_many_commas_ends_a_table() -> None:
    lines = "name,phone,city\nyesterday, 3 of 40 were called, and 7 were not"
    assert raw(lines + "\n") == lines


def test_cells_of_a_row_below_each_other_are_behind_their_names_and_no_table() -> None:
    rows = "-[ RECORD 1 ]---\npasswd | {}\nn      | 3\n-[ RECORD 2 ]---\npasswd | {}\nn      | 4"
    assert raw(rows.format("Marble8429*", "Needle17!q") + "\n") == rows.format("[REDACTED:password]", "[REDACTED:password]")


def test_a_message_with_as_many_commas_in_its_object_is_no_row() -> None:
    lines = '"id","password","n"\n"7","{}","3"\nread: {{"jsonrpc":"2.0","id":4,"result":{{}}}}'
    assert raw(lines.format("Saddle1560*") + "\n") == lines.format("[REDACTED:password]")
