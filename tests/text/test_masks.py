"""Masks are walls: what was sanitized once stays as it is."""

from __future__ import annotations

import asyncio
import json

import pytest
from engines import sanitize, scrubber

from sanitizer.text import masks

MASK = b"[REDACTED:password]"
BOTH = {form: scrubber(form) for form in ("raw", "ndjson")}


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (b"hunter2", [b"hunter2"]),
        (MASK, []),
        (MASK + b"5C" + MASK, []),
        (MASK + b" was rejected", []),
        (b"\\\\&#x27;&#x27;" + MASK, []),
        (b"%27%5C%5C" + MASK + b"\\n", []),
        (MASK + b"@mq:1883)", []),
        (MASK + b"\\n\\tfrom crm.rb:12:in `<main>", []),
        (MASK + b"; sid=k7Qp2ZxVb9Lw4Tn1", [b"; sid=k7Qp2ZxVb9Lw4Tn1"]),
        (b"k7Qp2ZxVb9Lw" + MASK + b"Tn1Qx3Zr6Yc", [b"k7Qp2ZxVb9Lw", b"Tn1Qx3Zr6Yc"]),
        (MASK[4:] + b"Tn1Qx3Zr6Yc" + MASK[:4], [b"Tn1Qx3Zr6Yc"]),
    ],
)
def test_beside_a_mask_only_what_is_a_secret_by_itself_is_left_to_find(text: bytes, secrets: list[bytes]) -> None:
    buffer = text.join((b"\n[REDACTED:password]"[: 1 + 4 * text.startswith(MASK[4:])], MASK[4:] * text.endswith(MASK[:4]) + b"\n"))
    start = buffer.index(text)

    assert [buffer[slice(*span)] for span in masks.beside(buffer, start, start + len(text))] == secrets


def test_a_wall_is_as_long_as_its_mask_and_says_nothing() -> None:
    buffer = b"\nx " + MASK + b": [uuid:0123456789ab] [session] y\n"

    assert masks.walled(buffer) == b"\nx [*****************]: [*****************] [session] y\n"


SANITIZED_ONCE = [
    ("id|email|password|created_at", "\t[acme-sync] ssn='305-31-4097'"),
    ("System.InvalidOperationException: refused cookie=k7Qp2ZxVb9Lw4Tn1", "   at Acme.Call() in /app/Crm.cs:line 88", "  resolution: {integrity: sha512-zZRTtvAMpZXy6CJqujMBPHOlnR==}"),
    ("GET /cb?state=%22echo%20%27smtp_pass%20%3D%3E%20%27%5C%5C%5C%5C%27%27pfuZ%2A9DDHluDa%23%27%5C%5C%5C%5C%27%27%27%22 200",),
    ('{"columns":["id","db_password","n"],"rows":[[3,"Delta592*",1]]}',),
    (" $ user_password: chr \"hunter2x\"",),
    ("NSString *password = @\"hunter2x\";",),
    ("#0  login (user=0x55d1 \"bob\", session_token=0x55e2 \"k7Qp2ZxVb9Lw4Tn1\") at a.c:7",),
    ("<dict>", "\t<key>dbPassword</key>", "\t<string>hunter2x</string>", "</dict>"),
    ("INFO:mcp.server.lowlevel.server:<body><![CDATA[cookie=k7Qp2ZxVb9Lw4Tn1k7Qp2ZxV]]></body>", "/tmp/tmpZtfNpa2bb0ra/juniper"),
    ("2026-10-05T20:08:16.02Z stdout P GET /cb?state=%22%7B%5C%22t%5C%22%3A%20%5C%22PGPASSWORD%3A%20%5C%5C%5C%22ridge-tundra-98%5C%5C%5C%", "2026-10-05T20:08:16.12Z stdout F 22%5C%22%7D%22 200"),
    ("body=H4sIAAAAAAACAytKTU7NLEtNsTUySFIvLs6zAjKMjMx0DQ11TcwsDNQBQP+gsyAAAAA=", "SKU 205-869-6706"),
    ("DETAIL:  Key (detail)=(DATABASE_URL=mqtt://app:delta-meadow-haven46@mq:1883) already exists.",),
    ("<td>echo &#x27;apiKey=&#x27;\\&#x27;&#x27;k7Qp2ZxVb9Lw4Tn1&#x27;\\&#x27;&#x27;&#x27;</td>",),
]  # fmt: skip


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("lines", SANITIZED_ONCE)
def test_sanitizing_again_changes_nothing(form: str, lines: tuple[str, ...]) -> None:
    once = asyncio.run(sanitize(BOTH[form], ["".join(f"{line}\n" for line in lines).encode()]))
    again = asyncio.run(sanitize(BOTH[form], [b"\n".join([*once, b""])]))

    assert masks.are_in(b"".join(once))
    assert again == once


KEPT = [
    {"message": "password: ${{ secrets.DEPLOY_PASSWORD }}"},
    {"message": '<tr><td>etag</td><td class="code"><pre>&#x27;5f3c-2c82db7225&#x27;</pre></td></tr>'},
]


@pytest.mark.parametrize("told", KEPT, ids=lambda told: told["message"][:20])
def test_what_text_does_not_hide_is_no_secret_in_a_string_of_json(told: dict[str, str]) -> None:
    line = json.dumps(told).encode()

    assert asyncio.run(sanitize(BOTH["raw"], [line + b"\n"])) == [line]
