from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.syntax.nested import is_schema, leaves
from sanitizer.syntax.values import value


def read(text: str, *, line: bool = False) -> list[str]:
    """The values behind the `=` or `:` that *text* begins with."""
    buffer = f"\nk{text}\n".encode()
    return [buffer[start:end].decode() for start, end in value(buffer, 3, line=line)]


@pytest.mark.parametrize(
    "text",
    [
        '="V"', ": 'V'", "=V", "=V;", "= V, next=1", '=\\"V\\"', '=\\\\\\"V\\\\\\"', "=`V`", "=b'V'", ': str = "V"', '=Some("V")', "=> 'V'", ":= V",
        '=> string(1) "V"', '=> <<"V">>', ": !!str V", '="""V"""', '="V""}', "='V''\\\\", r"='\''V'\''", "='\"'\"'V'\"'\"'", "=<![CDATA[V]]>", "=V&b=2", "=V)",
    ],
)  # fmt: skip
def test_a_value_ends_where_its_syntax_says(text: str) -> None:
    assert read(text) == ["V"]


@pytest.mark.parametrize(
    "text",
    [
        '=getenv("DB", "V")', "=os.environ.get('DB', 'V')", '=process.env.DB || "V"', "=ENV['DB'] || 'V'", '=config.get("db", default="V")',
        "=getenv('DB') ?: 'V'", "=V\\0HOME=/root", "=V\\x00HOME=/root", "=V^@HOME=/root", "=V&lt;/div&gt;", "=V&lt;br/&gt;",
        ": `V' ) [file 'x']",
    ],
)  # fmt: skip
def test_a_value_is_what_a_program_takes_if_nothing_is_set_and_ends_with_its_field(text: str) -> None:
    assert read(text) == ["V"]


@pytest.mark.parametrize(
    "text",
    ["=[1, 2, 233, 9, 100]", "=[11, 2, 300, 9, 100, 7]", "=[1, 2, 3, 4, 5, 6]", ": [1.5, 2, 233, 9, 100, 4]"],
)
def test_few_small_or_other_numbers_are_no_key(text: str) -> None:
    assert read(text) != [text.partition("[")[2].rstrip("]")]


@pytest.mark.parametrize(
    "text",
    [
        "=[K]", ": [ K ]", "=[]byte{K}", "=bytes([K])", "= new byte[] {K};", ": [u8; 8] = [K];", ": Uint8Array(8) [ K ]", "=vec![K]",
        ":&[u8]=[K]", ": Buffer.from([K, ])",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["174, 47, 154, 16, 202, 193, 206, 113", "0x2b,0x7e,0x15,0x16,0x28,0xAE,0xd2,0xa6", "(byte)0x2b, -7, 21, 22, 40, 127"])
def test_a_key_may_be_listed_byte_by_byte(text: str, key: str) -> None:
    assert read(text.replace("K", key)) == [key]


@pytest.mark.parametrize(
    "text", ["=", ": ", '=""', "=,", "= getpass()", "=os.environ['V']", '=request.headers.get("V")', "= await f(x)", '="), x', ':"; send "x"', '=get("V", "")']
)
def test_what_is_no_value_gives_none(text: str) -> None:
    assert read(text) == []


def test_an_elided_value_keeps_its_dots() -> None:
    assert read("=sk-ab12...") == ["sk-ab12..."]


def test_lists_and_objects_give_their_leaves() -> None:
    assert read(': {"a": ["V", 1, null], "b": {"c": "W"}}') == ["V", "1", "W"]
    assert read(': {\\"a\\":[\\"V\\"]}') == ["V"]


def test_a_block_of_yaml_is_all_lines_that_are_indented_deeper() -> None:
    assert read(": |\n  one\n  two\nother: 1") == ["one", "two"]


def test_a_list_that_is_not_closed_ends_with_its_line() -> None:
    buffer = b'{"a": "V"\nnext line\n'
    assert [buffer[start:end] for start, end in leaves(buffer, 0)] == [b"V"]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"string"}',
        '{"title":"T","type": ["string","null"]}',
        '{\\"type\\":\\"string\\"}',
        '{"$ref":"#/x"}',
        '{"anyOf":[{"type":"string"}]}',
    ],
)
def test_a_schema_describes_a_value_and_holds_none(text: str) -> None:
    assert is_schema(text.encode(), 0)


@pytest.mark.parametrize("text", ['{"type":"string","value":"V"}', '{"a":"V"}', "{}", '{"type":"hunter2"}'])
def test_an_object_with_a_value_is_no_schema(text: str) -> None:
    assert not is_schema(text.encode(), 0)


@pytest.mark.parametrize("unit", ["{", "[", '\\"', "'", '"', "a=", "(", "<", "|\n  ", "k: ", '{"a":', '\\\\"'])
def test_hostile_values_cost_no_more_than_their_length(unit: str) -> None:
    buffer = b"\nk=" + unit.encode() * (200_000 // len(unit)) + b"\n"
    begun = time.process_time()
    value(buffer, 3)
    assert time.process_time() - begun < 1


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_spans_within_the_text(text: bytes, line: bool) -> None:
    buffer = b"\nk=" + text + b"\n"
    assert all(3 <= start < end <= len(buffer) for start, end in value(buffer, 3, line=line))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b'secret = "k7Qp2Zx" +\n  "Vb9Lw4Tn1";\n', [b"k7Qp2Zx", b"Vb9Lw4Tn1"]),
        (b"secret = (\n    'k7Qp2Zx'\n    'Vb9Lw4Tn1'\n)\n", [b"k7Qp2Zx", b"Vb9Lw4Tn1"]),
        (b'secret = "k7Qp2Zx" . "Vb9Lw4Tn1"\n', [b"k7Qp2Zx", b"Vb9Lw4Tn1"]),
        (b'secret = "k7Qp2Zx"\n"another"\n', [b"k7Qp2Zx"]),
        (b'{"secret": "k7Qp2Zx", "n": "Vb9Lw4Tn1"}\n', [b"k7Qp2Zx"]),
    ],
)
def test_strings_that_a_program_puts_together_are_one_value(text: bytes, parts: list[bytes]) -> None:
    at = text.index(b"secret") + len(b"secret")
    at += text[at:].index(b"=" if b"=" in text else b":") + 1
    assert [text[start:end] for start, end in value(text, at)] == parts


@pytest.mark.parametrize(
    "text", [b"secret = SecretField()\n", b"password = Prompt('Enter password', hide=True)\n", b"token: Optional[str]\n"]
)
def test_a_call_that_wraps_no_literal_is_no_value(text: bytes) -> None:
    at = re.search(rb"[:=]", text).end()  # type: ignore[union-attr]
    assert [text[start:end] for start, end in value(text, at)] in ([], [b"Optional[str]"])


@pytest.mark.parametrize("text", ['=Wrapped("k7Qp2Zx!")', "=MD5('k7Qp2Zx!')", ': ApiSecret("k7Qp2Zx!")'])
def test_a_text_that_tells_is_the_value_whatever_type_is_around_it(text: str) -> None:
    assert read(text) == ["k7Qp2Zx!"]


@pytest.mark.parametrize(
    "text",
    [
        "= token_urlsafe(32)", "= generate_password(20)", '= token_urlsafe(32)"}', ": обязательное поле", ": champ requis", ": campo obbligatorio",
        ": 必須項目です", "= wymagane",
    ],
)  # fmt: skip
def test_a_call_with_a_number_and_what_a_validator_says_are_no_value(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("text", ["=Trail(12)x!", "=Ab(1234)", ": requis7!x", "= Obligatoire9"])
def test_what_only_begins_like_a_call_or_a_message_is_a_value(text: str) -> None:
    assert read(text) != []


def test_a_bracket_before_an_escaped_line_end_closes_what_is_around_the_value() -> None:
    assert read(r": NO)\n") == ["NO"]
    assert read(r"=f(k7Qp2Z)\n") == ["f(k7Qp2Z)"]
