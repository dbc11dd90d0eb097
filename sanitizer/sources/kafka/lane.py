"""What a process knows of a partition that it reads, or read."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import TopicPartition


@dataclass(slots=True)
class Lane:
    """A partition as this process knows it: everything before `handed_out` was read, everything before `settled` is delivered
    or given up. One that is not `owned` commits nothing; one that is not `ready` is not read; what is under way of one that is
    `stale` was read before it was taken away, and may have been read again by another member. `epoch` grows with each change:
    what was fetched in an earlier one is out of place."""

    name: str
    tp: TopicPartition
    handed_out: int = -1
    settled: int = -1
    owned: bool = False
    ready: bool = False
    stale: bool = False
    epoch: int = 0
    corrupt_reads: int = 0

    def busy(self) -> bool:
        """Whether something of it is under way."""
        return self.settled < self.handed_out

    def begin(self) -> None:
        """Read it from where the consumer stands."""
        self.handed_out = self.settled = -1
        self.ready = True
        self.stale = False
