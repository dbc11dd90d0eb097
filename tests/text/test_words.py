from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.text import words

NAMES = [
    "discover-company-attributes",
    "records_discover_attributes_v2",
    "RollingUpdateDeploymentStrategy",
    "io.modelcontextprotocol/protocolVersion",
    "org.apache.hadoop.mapreduce.v2.app.MRAppMaster",
    "/usr/local/lib/python3.11/site-packages",
    "CallToolRequest",
    "max_tokens",
    "next_page_cursor",
    "ERR_MODULE_NOT_FOUND",
    "notifications/tools/list_changed",
    "authentication-required",
]
STAND_INS = [
    "<your-key>",
    "xxxx",
    "XXXXXXXX",
    "${VAR}",
    "$API_KEY",
    "{{ secret }}",
    "${{ secrets.TOKEN }}",
    "%s",
    "%(password)s",
    "%PASSWORD%",
    "changeme",
    "change_me",
    "your_api_key_here",
    "REDACTED",
    "***",
    "null",
    "None",
    "undefined",
    "true",
    "[EMAIL_REDACTED]",
    "<EMAIL>",
    "[Filtered]",
    "***REDACTED***",
    "1234…abcd",
    "[REDACTED:password]",
    "[uuid:6f1c9a42d0b3]",
    "[blob:base64:1172B:8926eab405c5]",
    "SecretStr('**********')",
    "process.env.TOKEN",
    "os.environ['TOKEN']",
    "string",
    "Optional[str]",
    "not set",
    "",
    "<Token object at 0x7f2862790350>",
    "sk-***",
]
PASSWORDS = [
    "hunter2",
    "correct horse battery",
    "dish-orange-cloud94",
    "${v80190}x",
    "{x70279}y",
    "null95537",
    "$(cmd72845)",
    "<p>41208&amp",
    "p=84720=q",
    "пароль1",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_read_as_words(name: str) -> None:
    assert words.wordlike(name.encode())
    assert not words.token(name.encode())
    assert not words.random(name.encode())


@pytest.mark.parametrize("text", STAND_INS)
def test_what_stands_in_for_a_secret_is_none(text: str) -> None:
    assert words.placeholder(text.encode())
    assert not words.password(text.encode())
    assert not words.token(text.encode())


@pytest.mark.parametrize("text", PASSWORDS)
def test_odd_passwords_are_passwords(text: str) -> None:
    assert words.password(text.encode())


@pytest.mark.parametrize("text", ["$Corvette629", "$Umm3R26", "/Silver556", "/Orange391"])
def test_a_password_may_begin_like_a_variable_or_a_path(text: str) -> None:
    assert words.password(text.encode())


@pytest.mark.parametrize("text", ["$DB_PASSWORD", "$password", "$SecurePassword", "$pass2", "/srv/app2", "/Users/bob", "/app2"])
def test_variables_and_paths_stay_what_they_are(text: str) -> None:
    assert not words.password(text.encode())


@pytest.mark.parametrize(
    "text", ["^1.0.0", ">=2.3.3", "~1.2", "^7.0 || ^8.1", ">=1.0 <2.0", "^7 || ^8", "7.29.7(@babel/core@7.29.7)", "7.1.0(ms@2.1.3)(a@1.0.0)"]
)
def test_the_versions_of_a_package_are_no_secret(text: str) -> None:
    assert words.placeholder(text.encode())


@pytest.mark.parametrize("text", ["^Passw0rd", "=1234", ">1", "^7", "~3x!kd", "1.2.3(x"])
def test_a_password_may_begin_like_a_range_of_versions(text: str) -> None:
    assert not words.placeholder(text.encode())


def test_a_prefix_and_a_row_of_x_stand_in_for_a_token() -> None:
    assert words.placeholder(b"sk-proj-" + b"x" * 40)
    assert not words.placeholder(b"sk-proj-" + b"x" * 30 + b"3f9Kq2")


@pytest.mark.parametrize("text", ["ZhbhRAPrnzyGFPhT", "oSsjDpoRASudvtxC", "lJJqoPzDulnyZehhV/UZTDP+h/lsOFer", "iQuAEsm/wDqoOGXGpAnuYAljgyPtBXpixZYoKc/ZiFU="])
def test_letters_alone_may_be_a_token(text: str) -> None:
    assert words.token(text.encode())


@pytest.mark.parametrize("text", ["required", "Incorrect", "/srv/app", "12", "C:\\Users\\bob", "expired."])
def test_statuses_and_paths_are_no_passwords(text: str) -> None:
    assert not words.password(text.encode())


@pytest.mark.parametrize(
    "alphabet", [string.ascii_letters + string.digits, string.hexdigits[:16], string.ascii_letters + string.digits + "-_"]
)
def test_random_strings_do_not_read_as_words(alphabet: str) -> None:
    source = random.Random(1)
    tokens = ["".join(source.choices(alphabet, k=24)).encode() for _ in range(1000)]
    assert sum(map(words.wordlike, tokens)) <= 5
    assert sum(map(words.token, tokens)) >= 990


@pytest.mark.parametrize(
    "text",
    ["30546173_4261722401", "0x14f05578bd80001", "Token{a64f992", "com.acme.Handler@b0bbf8d1", "4096", "2025-03-14T09:26:53Z"],
)
def test_numbers_pointers_and_times_are_no_tokens(text: str) -> None:
    assert not words.token(text.encode())


def test_entropy_is_in_bits_a_byte() -> None:
    assert words.entropy(b"") == 0
    assert words.entropy(b"aaaa") == 0
    assert words.entropy(bytes(range(256))) == 8


@given(st.binary(max_size=400))
def test_any_bytes_give_an_answer(text: bytes) -> None:
    for check in (words.wordlike, words.placeholder, words.password, words.token, words.random):
        assert check(text) in (True, False)
