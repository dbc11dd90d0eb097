"""Values on the lines below their key."""

from __future__ import annotations

import pytest

from sanitizer.redaction.scrub import Format
from tests.engines import sanitize, scrubber

BELOW = [
    "Admin Password:\n{}\n",
    "here is your passphrase:\n\n    {}\n",
    "? db_password\n: {}\n",
    "app.db_password=\\\n    {}\napp.port=5432",
    "  password = <<EOT\n{}\nEOT",
    'admin_password = """\n{}"""',
    "{\n  name: 'acme',\n  password:\n   '{}',\n  retries: 3\n}",
    "  spawnargs: [\n    '-y',\n    '--root-password',\n    '{}'\n  ]",
    "    args:\n    - --root-password\n    - {}\n    - --verbose",
    "bad config {'user': 'bob', 'password': \n'{}', 'retries': 3}",
    "On instance['password']:\n    '{}'\n",
    "In [3]: password\nOut[3]: '{}'\n",
    '127.0.0.1:6379> GET password\n"{}"\n',
    '3) "password"\n4) "{}"\n',
    "    login(user, password)\n    │     │     └ '{}'\n    │     └ 'bob'",
    "    assert login('bob', password) == 200\n           │            └ '{}'\n           └ <function login at 0x7f09>",
    "    connect(user.password.strip(), 7)\n    │       │    │\n    │       │    └ '{}'\n    │       └ User(name='bob')",
    "  \x1b[32m'--password'\x1b[39m,\n  \x1b[32m'{}'\x1b[39m,\n  \x1b[32m'--verbose'\x1b[39m",
    "│   │   '--password',\n│   │   '{}',\n│   │   '--verbose'",
    "    '--password',        \n    '{}',        \n    '--verbose'         ",
    "<key>password</key>\n<string>{}</string>",
    "[acme] New Password:\n[acme] {}\n[acme] done",
    "> password = <<EOT\n> {}\n> EOT",
    "\nPassword\n--------\n{}\n\nPS C:\\>",
    'const password =\n  "{}";',
    'private static final String DB_PASSWORD\n    = "{}";',
    'const password =\n  process.env.DB_PASSWORD ||\n  "{}";',
    'connect(password=\n  "{}", user="bob")',
    "crm-1  |   password: >\ncrm-1  |     {}\ncrm-1  | ok",
    "2026-11-20T15:00:33.836Z INFO [crm] password: |\n2026-11-20T15:00:33.971Z INFO [crm]   {}\n2026-11-20T15:00:33.992Z INFO [crm] done",
    "password: >-\n  {}\nenv:\n  - name: MODE\n    value: fast",
]


@pytest.mark.parametrize("text", BELOW)
async def test_the_value_on_the_line_below_goes_and_nothing_beside_it(text: str) -> None:
    found = await sanitize(scrubber("raw"), [text.replace("{}", "Haven5566!x").encode() + b"\n"])
    assert b"\n".join(found).decode() == text.replace("{}", "[REDACTED:password]")


@pytest.mark.parametrize("text", ["Password:\n83920184\nEmail: none", "Phone:\n7997179866\nEmail: none"])
async def test_digits_alone_on_the_line_below_go_too(text: str) -> None:
    found = b"\n".join(await sanitize(scrubber("raw"), [text.encode() + b"\n"]))
    assert b"[REDACTED:" in found
    assert text.split("\n")[1].encode() not in found


async def test_a_text_in_quotes_goes_on_with_words_to_the_line_that_closes_them() -> None:
    for text in (
        "password = '''Haven5566\nOrbit71xx'''",
        'token : "Haven5566x71\n        Orbit71xx9=="',
        "password = 'Haven55\\\n  Orbit71xx'",
    ):
        found = b"\n".join(await sanitize(scrubber("raw"), [text.encode() + b"\n"]))
        assert b"Haven55" not in found
        assert b"Orbit71" not in found


async def test_an_argument_that_a_console_broke_goes_as_far_as_its_line() -> None:
    lines = ["  'args': [", "    '--token',", "    'Haven5566a1b2c3d4e5f60718293", "a4b5c6d7',", "    '--verbose'", "  ]", ""]
    found = await sanitize(scrubber("raw"), ["\n".join(lines).encode()])
    assert found[2] == b"    '[REDACTED:token]"


@pytest.mark.parametrize(
    "text",
    [
        "Enter your password:\n2025-03-14T09:26:53Z INFO done",
        "Password:\nlogin(user)",
        "Password:\n2026-03-14",
        "Token:\n10.0.0.12",
        "token:\nhttps://acme.io/docs",
        "    args:\n    - --password\n    - --verbose",
        '  "required": [\n    "password",\n    "token"\n  ]',
        "crm-1  | password: >\nweb-1  |   other words here",
        "password = <<EOT\n2025-03-14 09:26:53 INFO other",
        "    login(user, password)\n    │     │     └ None\n    │     └ 'bob-7!x'",
        "    reset_password(user)\n    │              └ 'bob-7!x'\n    └ <function reset_password at 0x7f09>",
        "  \x1b[32m'--verbose'\x1b[39m,\n  \x1b[32m'Haven5566!x'\x1b[39m,",
    ],
)
async def test_a_line_below_that_is_another_record_stays(text: str) -> None:
    assert await sanitize(scrubber("raw"), [text.encode() + b"\n"]) == text.encode().split(b"\n")


JOURNAL = '{{"__REALTIME_TIMESTAMP": "179518683211200{}", "_PID": "12", "MESSAGE": "{}"}}'


async def test_lines_in_the_journal_are_read_together_and_each_keeps_its_entry() -> None:
    entries = [JOURNAL.format(1, "the caf\\u00e9 password:"), JOURNAL.format(2, "  Haven5566!x"), JOURNAL.format(3, "done")]
    found = await sanitize(scrubber("raw"), ["\n".join(entries).encode() + b"\n"])
    assert b"\n".join(found).decode() == "\n".join(entries).replace("Haven5566!x", "[REDACTED:password]")


LOCALS = """\
╭────── Traceback (most recent call last) ───────╮
│ /srv/app.py:181 in outer                       │
│ ╭────────────────── locals ──────────────────╮ │
│ │        cfg = {                             │ │
│ │              │   'password':               │ │
│ │              '{}',                         │ │
│ │              │   'tokens': [               │ │
│ │              │   │                         │ │
│ │              'yPPS0yO3UdT5DmJGMHOTwFrVOfH… │ │
│ │              │   ],                        │ │
│ │              │   'mode': 'fast'            │ │
│ │              }                             │ │
│ ╰────────────────────────────────────────────╯ │
╰────────────────────────────────────────────────╯
ValueError: bad
"""


@pytest.mark.parametrize("form", ["raw", "ndjson"])
async def test_of_locals_in_a_box_within_a_box_the_values_go_and_the_indents_stay(form: Format) -> None:
    found = await sanitize(scrubber(form), [LOCALS.replace("{}", "Haven5566!x").encode()])
    text = b"\n".join(found).decode()
    assert "Haven5566!x" not in text
    assert "yPPS0yO3U" not in text
    assert "'mode': 'fast'" in text


@pytest.mark.parametrize("text", ["Password\n--------\nRequired", "Password\n--------\nThe password of it.", "Password\n-----\nHaven5566!x"])
async def test_a_heading_is_no_table_of_one_column(text: str) -> None:
    assert b"\n".join(await sanitize(scrubber("raw"), [text.encode() + b"\n"])).decode() == text
