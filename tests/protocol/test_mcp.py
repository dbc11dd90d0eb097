from __future__ import annotations

import json
import pickle
from typing import Any

import msgspec
import pytest

from sanitizer.hashing import Keyring
from sanitizer.protocol.mcp import ABSENT, MAX_NAME_BYTES, Frame, Reader, asked, printable
from sanitizer.protocol.params import Params

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
READER = Reader(KEYRING, lambda text: text.replace(b"jane@example.com", b"[REDACTED:email]"))
PARAMS = Params(KEYRING, lambda text: text)


def frame(**fields: Any) -> Frame:
    (found,) = PARAMS.frames(json.dumps({"jsonrpc": "2.0", **fields}).encode())
    return found


def test_frames_cross_process_boundaries() -> None:
    request = frame(id="a", method="tools/call", params={"name": "t"})
    assert pickle.loads(pickle.dumps(request)) == request


def test_a_request_tells_who_asks_in_either_era() -> None:
    legacy = frame(id=0, method="initialize", params={"protocolVersion": "2025-11-25", "clientInfo": {"name": "c", "version": "1"}})
    info = {
        "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    }
    modern = frame(id=1, method="server/discover", params={"_meta": info})
    assert (legacy.client_name, legacy.client_version, legacy.protocol) == ("c", "1", "2025-11-25")
    assert (modern.client_name, modern.client_version, modern.protocol) == ("c", "1", "2026-07-28")


def test_a_response_tells_how_it_went_and_who_answers() -> None:
    legacy = frame(id=0, result={"protocolVersion": "2025-11-25", "serverInfo": {"name": "s"}})
    modern = frame(id=1, result={"resultType": "complete", "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "s"}}})
    assert (legacy.server_name, legacy.protocol, modern.server_name, modern.result_type) == ("s", "2025-11-25", "s", "complete")
    assert frame(id=1, result={"isError": True}).is_error
    assert not frame(id=1, result={"isError": "true"}).is_error
    assert frame(id=1, error={"code": -32601}).code == -32601
    assert frame(id=1, error={"code": "x"}).code is None
    assert frame(id=1, error=None, result={}).kind == "response"


def test_a_state_has_one_digest_on_its_way_out_and_back() -> None:
    out = PARAMS.frames(rb'{"id":1,"result":{"resultType":"input_required","requestState":"a\/b"}}')[0]
    back = frame(id=2, method="tools/call", params={"name": "t", "requestState": "a/b", "inputResponses": {}})
    assert out.request_state == back.request_state != ""
    assert back.is_retry


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"0", 0),
        (b"-7", -7),
        (b'"1"', "1"),
        (b"1.0", None),
        (b"null", None),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", None),
        (b'"jane@example.com"', None),
        (b'"a\\u0000b"', None),
        (b"true", None),
        (b'{"a":1}', None),
    ],
)
def test_ids_keep_their_type_and_what_may_not_be_shown_stays_distinct(raw: bytes, name: object) -> None:
    found = READER._id(msgspec.Raw(raw))
    if name is None and raw != b"null":
        assert isinstance(found, str)
        assert found.startswith("[id:")
        assert found == READER._id(msgspec.Raw(raw)) != READER._id(msgspec.Raw(b'"another@example.com"'))
    else:
        assert found == name
        assert type(found) is type(name)


def test_names_are_cleaned_cut_and_made_printable() -> None:
    assert READER.name(b'"to jane@example.com"') == "to [REDACTED:email]"
    assert READER.name(b'"a\\u001b[2J\\n\\u202eb"') == "a\ufffd[2J\ufffd\ufffdb"
    assert len(READER.name(json.dumps("x" * 10_000).encode())) == MAX_NAME_BYTES + 1
    assert READER.name(b"5") == READER.name(b"{") == READER.name(ABSENT) == ""
    assert printable("ordinäre – Namen 名前") == "ordinäre – Namen 名前"


def test_a_name_cut_short_holds_no_half_of_a_secret() -> None:
    name = b'"' + b"x" * (MAX_NAME_BYTES - 5) + b'jane@example.com"'
    assert "jane" not in READER.name(name)


def test_the_memory_of_names_is_bounded() -> None:
    for number in range(10_000):
        READER.name(b'"tool %d"' % number)
    assert len(READER._names) <= 4_096


@pytest.mark.parametrize("params", [b"[]", b"5", b"{", b'"x"', b"[" * 5_000, b"\xff"])
def test_params_of_no_known_form_are_none(params: bytes) -> None:
    assert asked(params) is None


@pytest.mark.parametrize(
    "meta", [None, 5, [], {"progressToken": {}}, {"traceparent": 5}, {"io.modelcontextprotocol/clientInfo": "x"}]
)
def test_envelopes_of_no_known_form_tell_nothing(meta: Any) -> None:
    found = frame(id=1, method="tools/call", params={"name": "t", "_meta": meta})
    assert (found.name, found.client_name, found.traceparent) == ("t", "", "")
