"""Texts that are scanned together know the way back to the buffer that was read."""

from __future__ import annotations

from sanitizer.disguises.layers import APART, Broken, Decoded, Level, Root, Seen
from sanitizer.disguises.views import DECODERS, View
from sanitizer.record import Join

PERCENT = next(decoder for decoder in DECODERS if decoder.decode(b"%41") == b"A")


def decoded(buffer: bytes, *lines: bytes) -> Decoded:
    spans = [(buffer.index(line), buffer.index(line) + len(line)) for line in lines]
    source = APART.join(lines)
    return Decoded(Root(buffer), spans, View(source, PERCENT.decode(source) or b"", PERCENT))


def test_a_finding_in_lines_that_were_decoded_together_stands_in_its_own() -> None:
    buffer = b"\na %41b\nplain\nx %43d y\n"
    layer = decoded(buffer, b"a %41b", b"x %43d y")

    assert layer.text == b"a Ab" + APART + b"x Cd y"
    assert layer.locate([(2, 4, 1), (6 + len(APART), 8 + len(APART), 2)]) == [(3, 7, 1), (16, 20, 2)]


def test_a_finding_over_two_lines_that_were_decoded_together_stands_in_both() -> None:
    buffer = b"\na %41b\nplain\nx %43d y\n"

    assert decoded(buffer, b"a %41b", b"x %43d y").locate([(3, 5 + len(APART), 1)]) == [(6, 7, 1), (14, 15, 1)]


def test_a_finding_in_a_reading_stands_on_each_line_of_it() -> None:
    lines = [b"xx 4111 11", b"   11 1111 1111 yy"]
    reading = Broken([Join(((0, 3, 10), (1, 3, 15)), (b"",))], lines, [1, 12])

    assert reading.text == b"4111 1111 1111 1111"
    assert reading.locate([(0, 19, 5), (5, 9, 6)]) == [(4, 11, 5), (15, 27, 5), (9, 11, 6), (15, 17, 6)]


def test_what_glues_a_reading_is_of_no_line() -> None:
    reading = Broken([Join(((0, 0, 2), (1, 0, 2)), (b" ",))], [b"ab", b"cd"], [1, 4])

    assert reading.locate([(2, 3, 0)]) == []
    assert reading.locate([(1, 4, 0)]) == [(2, 3, 0), (4, 5, 0)]


def test_a_line_that_is_shorter_than_its_piece_shifts_nothing() -> None:
    reading = Broken([Join(((0, 0, 99), (1, 0, 4)), (b"",))], [b'{"hash":1}', b"acme"], [1, 12])

    assert reading.locate([(10, 14, 3)]) == [(12, 16, 3)]


def test_layers_that_are_scanned_together_are_told_apart() -> None:
    buffer = b"\na %41b\nplain\nx %43d y\n"
    level = Level([decoded(buffer, b"a %41b"), decoded(buffer, b"x %43d y")])

    assert level.text == b"\na Ab\n\n\nx Cd y\n"
    assert sorted(level.locate([(10, 12, 2), (3, 5, 1), (1, 2, 3)])) == [(1, 2, 3), (3, 7, 1), (16, 20, 2)]


def test_a_line_is_met_once_at_each_place() -> None:
    seen = Seen()
    buffer = Root(b"\nsame\nsame\nother\n")
    again = Decoded(buffer, [(6, 10)], View(b"same", b"same", PERCENT))

    assert seen.add(buffer, [(1, 5), (6, 10), (11, 16)]) == [(1, 5), (6, 10), (11, 16)]
    assert seen.add(again, [(0, 4)]) == []
