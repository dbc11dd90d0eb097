"""Copies of what passes: whole and in order, or lost and counted; and what may be read after a gap."""

from __future__ import annotations

import os
import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from sanitizer.proxy.copies import CLIENT, COUNT, GAP, SERVER, STDERR, Copies, Messages
from sanitizer.proxy.resumption import Resumption


def received(fd: int) -> list[tuple[int, bytes]]:
    """Lane and body of every message up to the end."""
    messages, found = Messages(), []
    while data := os.read(fd, 1 << 16):
        found += [(lane, body) for lane, _, body in messages.feed(data)]
    os.close(fd)
    return found


def test_messages_arrive_in_the_order_of_their_lanes() -> None:
    reader, writer = os.pipe()
    copies = Copies(writer)
    copies.put(CLIENT, b"asked\n")
    copies.put(SERVER, b"answered\n")
    copies.put(STDERR, b"told\n")
    copies.close()

    assert received(reader) == [(CLIENT, b"asked\n"), (SERVER, b"answered\n"), (STDERR, b"told\n")]


def test_a_full_lane_loses_and_counts_without_waiting_and_without_harm_to_the_others() -> None:
    reader, writer = os.pipe()
    copies = Copies(writer, max_bytes=300_000)
    begun = time.monotonic()
    for _ in range(10):
        copies.put(STDERR, b"x\n" * 50_000)  # nobody reads yet
    copies.put(CLIENT, b"asked\n")
    copies.close()
    assert time.monotonic() - begun < 5

    messages = received(reader)
    kept = sum(body.count(b"\n") for lane, body in messages if lane == STDERR)
    lost = sum(COUNT.unpack(body)[0] for lane, body in messages if lane == STDERR | GAP)

    assert lost
    assert kept + lost == 500_000
    assert (CLIENT, b"asked\n") in messages


def test_a_gap_stands_where_the_loss_was() -> None:
    reader, writer = os.pipe()
    copies = Copies(writer, max_bytes=200_000)
    for _ in range(4):
        copies.put(STDERR, b"x\n" * 40_000)
    found: list[tuple[int, bytes]] = []
    reading = threading.Thread(target=lambda: found.extend(received(reader)))
    reading.start()
    while copies._put[STDERR] != copies._taken[STDERR]:
        time.sleep(0.001)
    copies.put(STDERR, b"later\n")
    copies.close()
    reading.join()

    assert [lane for lane, _ in found] == [STDERR, STDERR, STDERR | GAP, STDERR]
    assert found[-1] == (STDERR, b"later\n")


def test_copies_for_nobody_cost_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    copies = Copies(writer)
    while not copies.broken:
        copies.put(CLIENT, b"asked\n")
        time.sleep(0.001)
    copies.close()


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=50)), max_size=10), st.integers(1, 40))
def test_messages_cut_anywhere_are_whole_again(sent: list[tuple[int, bytes]], width: int) -> None:
    from sanitizer.proxy.copies import HEADER

    data = b"".join(HEADER.pack(lane, len(body), 7) + body for lane, body in sent)
    messages, found = Messages(), []
    for at in range(0, len(data), width):
        found += messages.feed(data[at : at + width])

    assert found == [(lane, 7, body) for lane, body in sent]


TEXT = b"of a lost line\n  indented\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\nINFO a new record\n  its own\n"


@given(st.integers(1, len(TEXT)))
def test_text_is_read_again_from_the_first_line_that_stands_for_itself(width: int) -> None:
    resumption, passed = Resumption(is_text=True), b""
    for at in range(0, len(TEXT), width):
        piece = TEXT[at : at + width]
        passed += piece if resumption.done else resumption.feed(piece)

    assert passed == b"INFO a new record\n  its own\n"


def test_frames_are_read_again_from_the_next_line() -> None:
    resumption = Resumption(is_text=False)

    assert resumption.feed(b'rest of a frame"}\n{"jsonrpc":') == b'{"jsonrpc":'
    assert resumption.done
