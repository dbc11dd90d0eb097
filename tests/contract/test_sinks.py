"""What every sink promises, tried with every member of the registry. A member without a peer fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from contract.peers import PEERS, Peer
from fakes import batch, until

from sanitizer.model import Receipt, Retry, TooLarge
from sinks import SinkConfig

pytestmark = pytest.mark.usefixtures("nothing_is_left")

KINDS = [str(member.__struct_config__.tag) for member in get_args(SinkConfig)]
RECORDS = [b'{"message":"record %d of the contract"}' % n for n in range(50)]


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.server if kind in ("kafka", "postgres") else ()) for kind in KINDS])
async def peer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Peer]:
    async with PEERS[request.param](tmp_path, request) as found:
        yield found


async def test_delivers_every_record_once_and_in_order(peer: Peer) -> None:
    async with peer.config.open() as sink:
        assert await sink.send(batch(*RECORDS[:20])) == Receipt()
        assert await sink.send(batch(*RECORDS[20:], first=20)) == Receipt()
    await until(lambda: len(peer.received()) >= len(RECORDS), 20)
    assert peer.received() == RECORDS


async def test_lanes_may_be_sent_at_a_time(peer: Peer) -> None:
    lanes = [batch(*[b'{"message":"%d of %d"}' % (n, lane) for n in range(30)], lane=str(lane)) for lane in range(8)]
    async with peer.config.open() as sink:
        receipts = await asyncio.gather(*[sink.send(each) for each in lanes])
    assert receipts == [Receipt()] * 8
    await until(lambda: len(peer.received()) >= 240, 20)
    for each in lanes:
        ours = set(each.records)
        assert [record for record in peer.received() if record in ours] == each.records


async def test_a_peer_that_is_down_is_transient_and_the_trouble_names_no_record(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    if peer.unreachable is None:
        return  # the system always takes it, or the reader is gone, which ends the run
    caplog.set_level(logging.DEBUG)
    async with peer.unreachable.open() as sink:
        with pytest.raises((Retry, OSError, TimeoutError)) as trouble:
            async with asyncio.timeout(3):
                await sink.send(batch(b'{"message":"planted-text"}'))
    assert "planted-text" not in f"{trouble.value!r} {trouble.value} {caplog.text}"


async def test_a_batch_is_never_logged(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with peer.config.open() as sink:
        await sink.send(batch(b'{"message":"planted-text"}'))
    assert "planted-text" not in caplog.text


@pytest.mark.parametrize("status", [429, 503, 500, 408])
async def test_a_busy_peer_is_transient_and_may_say_for_how_long(peer: Peer, status: int) -> None:
    if peer.answer is None:
        return  # it does not speak HTTP
    peer.answer(status, {"Retry-After": "7"})
    async with peer.config.open() as sink:
        with pytest.raises(Retry) as trouble:
            await sink.send(batch(*RECORDS))
    assert trouble.value.after_secs == 7
    assert peer.received() == []


async def test_what_a_peer_refuses_for_good_is_rejected_record_by_record(peer: Peer) -> None:
    if peer.answer is None:
        return  # it does not speak HTTP
    peer.answer(400, {})
    async with peer.config.open() as sink:
        receipt = await sink.send(batch(*RECORDS))
    assert [rejection.index for rejection in receipt.rejected] == list(range(len(RECORDS)))
    assert not receipt.pending


async def test_a_body_too_large_is_told_as_such(peer: Peer) -> None:
    if peer.answer is None:
        return  # it does not speak HTTP
    peer.answer(413, {})
    async with peer.config.open() as sink:
        with pytest.raises(TooLarge):
            await sink.send(batch(*RECORDS))


async def test_a_send_that_is_cancelled_leaves_a_sink_that_can_be_used_and_closed(peer: Peer) -> None:
    async with peer.config.open() as sink:
        if peer.gate:
            peer.gate.clear()
        sending = asyncio.create_task(sink.send(batch(b'{"message":"first"}')))
        await asyncio.sleep(0.01)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        if peer.gate:
            peer.gate.set()
        assert await sink.send(batch(b'{"message":"second"}', first=1)) == Receipt()
    await until(lambda: b'{"message":"second"}' in peer.received(), 20)


async def test_it_closes_while_a_send_is_under_way(peer: Peer) -> None:
    async with peer.config.open() as sink:
        if peer.gate:
            peer.gate.clear()
        sending = asyncio.create_task(sink.send(batch(*RECORDS)))
        await asyncio.sleep(0.01)
        sending.cancel()
    await asyncio.wait((sending,), timeout=5)
    assert sending.done()
