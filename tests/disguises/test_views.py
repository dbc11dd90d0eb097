from __future__ import annotations

import base64
import html
import json
import quopri
import re
import time
from collections.abc import Callable
from email.header import Header
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from readings import all_readings, readings, suspected

from sanitizer.disguises.quotedprintable import QUOTED
from sanitizer.disguises.views import ANCHORS, DECODERS, TOKEN_DECODERS, View
from sanitizer.finding import BETWEEN_TEXTS

SECRET = "jane.doe+x7@example.com"


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def mathematical(text: str) -> str:
    return "".join(
        chr(0x1D41A + ord(c) - 97)
        if c.islower()
        else chr(0x1D400 + ord(c) - 65)
        if c.isupper()
        else chr(0x1D7CE + int(c))
        if c.isdigit()
        else c
        for c in text
    )


UNIT_ENCODERS: dict[str, Callable[[str], str]] = {
    "JSON \\u": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "JSON \\U": lambda text: "".join(f"\\u{ord(c):04X}" for c in text),
    "JavaScript \\u{}": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text),
    "Python \\U": lambda text: "".join(f"\\U{ord(c):08x}" for c in text),
    "Python \\x": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "octal": lambda text: "".join(f"\\{ord(c):03o}" for c in text),
    "percent": lambda text: "".join(f"%{ord(c):02x}" for c in text),
    "percent twice": lambda text: "".join(f"%25{ord(c):02X}" for c in text),
    "percent u": lambda text: "".join(f"%u{ord(c):04x}" for c in text),
    "decimal entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "entities of entities": lambda text: "".join(f"&amp;#{ord(c):03};" for c in text),
    "quoted-printable": lambda text: "".join(f"={ord(c):02X}" for c in text),
    "full width": full_width,
    "mathematical bold": mathematical,
    "zero width spaces": "\u200b".join,
    "word joiners": "\u2060".join,
    "soft hyphens": "\u00ad".join,
    "variation selectors": "\ufe0f".join,
    "struck through": "\u0336".join,
    "tags": lambda text: "".join(chr(0xE0000 + ord(c)) for c in text),
    "colours": "\x1b[31m".join,
    "byte list": lambda text: "[" + ", ".join(str(ord(c)) for c in text) + "]",
}
TOKEN_ENCODERS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"é": 1, "user": text}).encode()).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex dump": lambda text: text.encode().hex(" "),
    "MCP header": lambda text: f"=?base64?{base64.b64encode(text.encode()).decode()}?=",
    "RFC 2047 B": lambda text: f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?=",
    "RFC 2047 Q": lambda text: "=?UTF-8?Q?" + "".join(f"={ord(c):02X}" for c in text) + "?=",
}
ENCODERS = UNIT_ENCODERS | TOKEN_ENCODERS

secrets = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@.-_:", min_size=12, max_size=40).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum()
)


def carriers(text: str, value: str) -> list[str]:
    """What each view that shows *value* says it is carried by in *text*."""
    source, wanted = text.encode(), value.encode()
    found = []
    for view in all_readings(source):
        at = view.text.find(wanted)
        if at >= 0:
            found.append("".join(source[start:end].decode() for start, end in view.locate_root(at, at + len(wanted))))
    return found


@pytest.mark.parametrize("name", ENCODERS)
@given(secret=secrets)
@settings(max_examples=25, deadline=None)
def test_a_disguised_value_is_read_and_its_carrier_located_exactly(name: str, secret: str) -> None:
    carrier = ENCODERS[name](secret)
    text = f'level=info key="{carrier}" done (2 tries)'
    if name == "byte list":
        carrier = carrier[1:-1]
    assert carrier in carriers(text, secret)
    assert suspected(text.encode())


@given(
    secret=secrets,
    inner=st.sampled_from(sorted(ENCODERS)),
    outer=st.sampled_from(sorted(set(TOKEN_ENCODERS) | {"percent", "JSON \\u"})),
)
@settings(max_examples=150, deadline=None)
def test_a_disguise_within_a_disguise_is_located(secret: str, inner: str, outer: str) -> None:
    carrier = ENCODERS[inner](secret)
    assume(carrier.isascii() and "\x1b" not in carrier)
    carrier = ENCODERS[outer](carrier)
    found = carriers(f'key="{carrier}" end', secret)
    assert found
    assert all(one in carrier or carrier in one for one in found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r'{"a":"x\\u0040y \"q\"\tz"}', r'{"a":"x\u0040y "q"' + '\tz"}'),
        (r"C\072\\Users \ud83d\ude00 \u00e9 \xc3\xa9 \xe9 \ud83d!", "C:\\Users 😀 é é é �!"),
        (r"a\@b\.c \d\w", "a@b.c " + r"\d\w"),
        (r"b'\xf0\x9f\x98\x80\x41'", "b'😀A'"),
        ("%C3%A9%E9%41%zz%", "ééA%zz%"),
        ("%25C2%AD%2525C2%25AD1%E9%25 %E9", "\u00ad\u00ad1é% é"),
        ("a&lt;b&commat;c&#64d&#x40;e&copy=2&unknown;", "a<b@c@d@e&copy=2&unknown;"),
        ("q?phone=%2B1+202+555+0101&x=1", "q?phone=+1 202 555 0101&x=1"),
        ("payload=%7B%22n%22%3A+1%2C+%22k%22%3A+%22v%22%7D", 'payload={"n": 1, "k": "v"}'),
        (f"payload={'%5C' * 99}%22+x&y=1", f"payload={chr(92) * 99}{chr(34)} x&y=1"),
        ("x,=201%2f494", "x, 1%2f494"),
        ("from=220069814702890=31&n=1", "from=2200698147028901&n=1"),
        ("hawk.LVysbVDaSdb=4CgTOBlQ1a.BP48e8RB", "hawk.LVysbVDaSdbLgTOBlQ1a.BP48e8RB"),
        ("jane=2Edoe=40exam=\nple.com", "jane.doe@example.com"),
        ('access_token=3D"-6g8Rie3mLYq"', 'access_token="-6g8Rie3mLYq"'),
        ("from=EAAABij3=77aJ9=2DGICX", "from=EAAABij3waJ9-GICX"),
        ("got value=35=340500275:A=41=2DlZ]", "got value=3540500275:AA-lZ]"),
        ("payload=from=2420b1ce=2De7cb=2D", "payload=from=2420b1ce-e7cb-"),
        ("from=DE=33003=366653&n=1", "from=DE300366653&n=1"),
        ("from=09a201c8=2Df918", "from=09a201c8-f918"),
        ("caf=E9 =C3=A9t=C3=A9", "café été"),
        ("payout_to=DE%39%308=3550", "payout_to=DE%39%308550"),
        ("[SK34=65c9d3481b78758087]", "[SK34ec9d3481b78758087]"),
        ("EXO662ed8acde171899f=61aeaff3", "EXO662ed8acde171899faaeaff3"),
        ("LTAI=573Grmoj2MIDfIb", "LTAIW3Grmoj2MIDfIb"),
        ("sent to =252B1201", "sent to %2B1201"),
        ("(=252b5511961234757)", "(%2b5511961234757)"),
        ("value was `KzPigIsxNjEy77u_MzQ1M-KAjTQ3`", "value was `+3\u200b1612\ufeff3453\u200d47`"),
        ("\x1b[[********] x", "[********] x"),
        ("%2B%327711=253234461", "%2B%327711%3234461"),
        ('"value": "=64p.st.prd.VIR"', '"value": "dp.st.prd.VIR"'),
        ("=68ttps://hooks.sl=61ck.com", "https://hooks.slack.com"),
        ("[\x1b[1mmzp_\x1b[0ma1\x1b[m] [mzp_a1\x1b[0m] [0mx", "[mzp_a1] [mzp_a1] x"),
        ("x\x1b]0;title\x07y\x1b[0;1mz\x00w^[[0m!", "xyzw!"),
        ("\u0664\u0667\u0661 ２０２‐555—０１０１ a\u00a0b “c” ｊane＠x。io", '471 202-555-0101 a b "c" jane@x.io'),
        ("pаypаl tоken2", "paypal token2"),
        ("e\u0301te\u0301 p\u0336w", "ete pw"),
        ("[106, 97, 110, 101, 64, 97, 46, 105, 111]", "[jane@a.io]"),
        ("To: =?utf-8?Q?jane_d=6Fe?= =?utf-8?B?QA==?=", "To: jane doe@"),
        ("To: =?iso-8859-1?Q?Andr=E9?=", "To: André"),
        ("GET /state/amFuZS5kb2VAZXhhbXBsZS5jb20/verify 200", "GET /state/jane.doe@example.com/verify 200"),
        ("body=bWFpbCBKw7ZyZyA8asO2cmcubcO8bGxlckBtw7xuY2hlbi5kZT4=", "body=mail Jörg <jörg.müller@münchen.de>"),
        ("GET /s/dGPCrWFzdGXCrWxkZDHCrXHCrUBxdcKtYXLCrXJ5wq0uY2_CrW0gd2FzIHJlamVjdGVk 200", "GET /s/" + "tc­aste­ldd1­q­@qu­ar­ry­.co­m was rejected 200"),
        ("input 0xe2869220716e6f766f746e79 ok", "input 0x\n→ qnovotny ok"),
        ("hex=1b5b33336d39323763386462642d64661b5b306d", "hex=\x1b[33m927c8dbd-df\x1b[0m"),
        ("echo '{'\\''a'\\'': '\\''b'\\''}'", "echo '{'a': 'b'}'"),
        ("token64amFuZS5kb2VAZXhhbXBsZS5jb20=", "token64\njane.doe@example.com"),
        ("0x6a616e652e646f65406578616d706c65", "0x\njane.doe@example"),
    ],
)
def test_what_a_view_shows(text: str, shown: str) -> None:
    assert shown in [view.text.decode() for view in all_readings(text.encode())]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T09:26:53.589Z INFO done tool=search_records size=4096 port=8080 timeout=2000 100% of a&b <c>",
        "José García über ñandú, 已完成 60 件, Привет мир, ✅ 🚀 naïve",
        "path=/usr/lib/python3/dist-packages/authentication/ConnectionRefusedError.py",
        "sha256:3410c423d3859310447443d982898e23c0ffee0ddba11d00dc0deba5eba11fee trace=00-4bf92f3577b34da6a3ce929d0e0e4736-01",
        "[12, 34, 56] (1,2) {} x=?y a?b=c",
        "p99=235ms utf8=45 count=30, total=60; rate=45.2% id=7f3a id=38da41643d667303 span_id=24b3bbb60f570e35 a=20 b=40 port=2543 bytes=3512345678 t=45123ms,",
        '{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":false}}',
        "",
    ],
)
def test_an_undisguised_text_has_no_view(text: str) -> None:
    assert list(readings(text.encode())) == []


@pytest.mark.parametrize("name", TOKEN_ENCODERS)
@given(secret=secrets)
@settings(max_examples=20, deadline=None)
def test_what_the_anchors_do_not_hit_has_no_token(name: str, secret: str) -> None:
    text = f"say {TOKEN_ENCODERS[name](secret)} now".encode()
    if any(decoder.decode(text) for decoder in TOKEN_DECODERS):
        assert any(re.search(anchor, text) for anchor in ANCHORS)


def test_anchors_are_what_the_scan_takes() -> None:
    hyperscan = pytest.importorskip("hyperscan", reason="needs the hyperscan wheel, which there is for x86-64 and arm64")
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=list(ANCHORS), ids=list(range(len(ANCHORS))), elements=len(ANCHORS))
    hits: list[int] = []
    token = base64.b64encode(SECRET.encode() * 50)
    database.scan(b"key=" + token, match_event_handler=lambda anchor, *_: hits.append(anchor))
    assert 1 <= len(hits) <= 3


@given(st.text(max_size=60), st.booleans())
def test_json_strings_are_read_as_json_reads_them(value: str, ascii_only: bool) -> None:
    value = value.encode("utf-8", "replace").decode().replace("\x7f", "")
    written = json.dumps(value, ensure_ascii=ascii_only)
    shown = [written.encode(), *(view.text for view in readings(written.encode(), DECODERS))]
    assert f'"{value}"'.encode() in shown


@given(st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace").decode()))
def test_percent_encoding_is_read_as_urllib_writes_it(value: str) -> None:
    for written in {quote(value, safe=""), "?k=" + quote_plus(value)}:
        texts = [written.encode(), *(view.text for view in all_readings(written.encode()))]
        assert any(value.encode() in text for text in texts)


@given(st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace").decode().replace("\r", "")))
def test_entities_are_read_as_html_writes_them(value: str) -> None:
    written = html.escape(value).encode()
    assert any(value.encode() in text for text in [written, *(view.text for view in all_readings(written))])


@given(st.from_regex(r"[a-z]{3,9} [a-zé=ü]{1,40}@[a-z]{2,9}\.com", fullmatch=True))
def test_quoted_printable_is_read_as_the_library_writes_it(value: str) -> None:
    written = quopri.encodestring(value.encode())
    assert any(value.encode() in text for text in [written, *(view.text for view in all_readings(written))])


@given(st.from_regex(r"[a-zà-ü]{3,30} [a-zé]{1,60}", fullmatch=True))
def test_mail_headers_are_read_as_the_library_writes_them(value: str) -> None:
    written = Header(value, "utf-8").encode().encode()
    assert any(value.encode() in text for text in [written, *(view.text for view in all_readings(written))])


noise = st.lists(
    st.sampled_from(
        [
            b"\\",
            b"\\\\",
            b"\\n",
            b'\\"',
            b"\\u0040",
            b"\\ud83d",
            b"\\ude00",
            b"\\xc3",
            b"\\xa9",
            b"\\x41",
            b"\\303",
            b"\\0",
            b"\xff",
            b"\xc3",
            b"\xc3\xa9",
            b"%",
            b"%4",
            b"%40",
            b"%C3",
            b"%A9",
            b"%u0040",
            b"&",
            b"&amp;",
            b"&#64",
            b"&#x40;",
            b"=",
            b"=40",
            b"=C3",
            b"=\r\n",
            b"=?",
            b"?=",
            b"utf-8?Q?",
            b"base64?",
            b"\x1b",
            b"\x1b[0m",
            b"[0m",
            b"\0",
            "１".encode(),
            "\u200b".encode(),
            "а".encode(),
            "\u0301".encode(),
            "—".encode(),
            b"a",
            b"Z",
            b"0",
            b"@",
            b" ",
            b"\n",
            b"?a=",
            b"+",
            b"[",
            b"12,",
            b"1]",
            b"amFuZS5kb2VA",
            b"6a616e652e646f6540",
            b"JBSWY3DPEBLW64TMMQ",
            b"cABhAHMAcwB3AG8AcgBkAA",
            b"eyJhbGciOiJub25lIn0",
            b"-",
            b"/",
            b"_",
            b".",
        ]
    )
    | st.binary(max_size=6),
    max_size=25,
).map(b"".join)


def assert_consistent(view: View) -> None:
    """The pieces that the mapping is built on are the source and the view, whole."""
    plain, decoded = view._decoder.split(view.source)
    assert b"".join(plain) == view.source
    assert b"".join(decoded) == view.text
    assert len(plain) == len(decoded)


@given(noise, st.data())
@settings(max_examples=600, deadline=None)
def test_any_bytes_give_views_that_map_back(source: bytes, data: st.DataObject) -> None:
    shown = list(all_readings(source))
    assert len({view.text for view in shown} | {source}) == len(shown) + 1
    for view in shown:
        assert_consistent(view)
        start = data.draw(st.integers(0, len(view.text)))
        end = data.draw(st.integers(start, len(view.text)))
        spans = view.locate(start, end)
        assert bool(spans) == (start < end)
        for low, high in spans + view.locate_root(start, end):
            assert 0 <= low < high
        assert view.locate_root(0, len(view.text))[-1][1] <= len(source)


@given(noise)
@settings(max_examples=300, deadline=None)
def test_a_decoder_that_is_not_suspected_has_nothing_to_say(source: bytes) -> None:
    wanted = suspected(source)
    for decoder in DECODERS + TOKEN_DECODERS:
        if decoder not in wanted:
            assert decoder.decode(source) is None
    assert [view.text for view in readings(source, wanted)] == [view.text for view in readings(source)]


def test_views_of_many_records_at_once_are_the_views_of_each() -> None:
    records = [rb'{"a":"x\u0040y"}', b"plain", rb'{"b":"\"q\" c:\\d"}', rb"\x41\x42"] * 3
    together = next(readings(b"\n".join(records), DECODERS)).text
    apart = [next(readings(record, DECODERS), None) for record in records]
    assert together == b"\n".join(record if view is None else view.text for record, view in zip(records, apart, strict=True))


def test_a_finding_takes_no_more_than_the_units_it_touches() -> None:
    source = rb'{"to":"a\u0062c\n\u0064"}'
    view = next(readings(source))
    at = view.text.index(b"bc")
    assert [source[slice(*span)] for span in view.locate(at, at + 2)] == [rb"\u0062c"]
    assert [source[slice(*span)] for span in view.locate(at + 1, at + 2)] == [b"c"]


def test_what_stands_for_nothing_belongs_to_a_finding_only_within_it() -> None:
    source = "\u200bab\u200bcd\u200b".encode()
    view = next(readings(source))
    assert view.text == b"abcd"
    assert [source[slice(*span)].decode() for span in view.locate(0, 4)] == ["ab\u200bcd"]
    assert [source[slice(*span)].decode() for span in view.locate(0, 2)] == ["ab"]
    assert [source[slice(*span)].decode() for span in view.locate(2, 4)] == ["cd"]


HOSTILE = [
    *[b"\\", b"\\\\u0040", rb"\u0040", rb"\xc3", rb"\303", rb"\u{", b"%25", b"a%25", b"%", b"&amp;", b"&amp;amp;", b"&#0", b"&#"],
    *[b"A", b"=", b"=40", b"=?", b"=?u?=?", b"=?utf-8?q?", b"=?a?b?YQ==?= ", b"?a=", b"?a=b+", b"a=b+&"],
    *[b"\x1b[", b"\x1b]", b"[0m", b"\0", b"[12,", b"[1", b"1,", b"[12,12,12,12,12,12,12,12],", b"6a", b"6a ", b"\xff"],
    *[b"SGVsbG8gd29ybGQs", b"SGVsbG8gd29ybGQs@", b"SGVsbG8gd29/", b"JBSWY3DPEBLW64TM", b"A" * 64 + b"\n", b"eyJh\xc3"],
    *(text.encode() for text in ("\u200b", "aо", "e\u0301", "１", "\U000e0061")),
]


def seconds(text: bytes) -> float:
    started = time.process_time()
    list(all_readings(text))
    return time.process_time() - started


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_line_costs_no_more_than_its_length(unit: bytes) -> None:
    short, long = (unit * (size // len(unit)) for size in (60_000, 240_000))
    seconds(short)
    # Four times the text in ten times the time at most: a quadratic step would take sixteen, and this machine may be busy.
    assert min(seconds(long) for _ in range(3)) <= 10 * max(min(seconds(short) for _ in range(3)), 0.001)


def test_full_width_text_is_found_in_base64_of_either_alphabet() -> None:
    text = "J：４１１１ １１１１ ａｂｃｄｅｆ"
    for encoded in (base64.b64encode(text.encode()), base64.urlsafe_b64encode(text.encode())):
        for shift in (b"", b"GET /s/", b'{"data":"'):
            shown = [view.text for view in all_readings(shift + encoded.rstrip(b"=") + b'" 200')]
            assert any(text.encode() in each for each in shown), (shift, encoded)


@pytest.mark.parametrize("after", [b"=1/", b"a/b", b".a/x", b" /x", b"9-"])
@pytest.mark.parametrize("cut", [b"\xff", b"\xc3", b"\xe2\x82"])
def test_a_token_that_is_cut_within_a_character_ends_where_its_alphabet_does(after: bytes, cut: bytes) -> None:
    for text in (b"password hunter2 x", b"user anna says"):
        token = base64.b32encode(text + cut).rstrip(b"=")
        assert any(text in view.text for view in all_readings(b"x " + token + after))


def test_an_equals_sign_at_the_end_of_a_text_is_read_alike_whatever_follows() -> None:
    line, other = b"body=3DMJXWI6J5JA2H=3D=", b"received=20b'--dsn=3Dconsul'"
    alone, both = QUOTED.decode(line), QUOTED.decode(BETWEEN_TEXTS.join((line, other)))

    assert alone == b"body=MJXWI6J5JA2H=="
    assert both is not None
    assert both.startswith(alone + BETWEEN_TEXTS)
