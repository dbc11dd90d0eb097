"""Hash keys that change while we run: their file is looked at about once a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from sanitizer.hashing import HashKeyError
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.scrub import Scrubber

_log = logging.getLogger(__name__)
_LOOK_SECS = 1.0


async def follow_keys(lanes: Sequence[Lanes], changed: Callable[[], object] = lambda: None, look_secs: float = _LOOK_SECS) -> None:
    """Have *lanes*, which share a keyring, use what its file holds, and tell *changed*. A file with a fault in it changes nothing.

    Ends at once where keys come from no file.
    """
    told = ""
    while (keyring := lanes[0].scrubber.keyring).is_from_file:
        await asyncio.sleep(look_secs)
        try:
            fresh = await asyncio.to_thread(keyring.refreshed)
        except HashKeyError as trouble:
            if str(trouble) != told:
                told = str(trouble)
                _log.error("the changed hash keys are refused, those before stay in force: %s", trouble)
            continue
        if fresh is not keyring:
            for each in lanes:
                each.use(Scrubber(each.scrubber.compiled, fresh, each.scrubber.options))
            changed()
            _log.info("hash key %s is in force", fresh.active_id)
