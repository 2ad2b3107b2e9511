"""Which of a queue's jobs have a status: found in the ledger's column by a search in C, without a look at each job.

Nothing is kept up to date while jobs run: a queue's jobs stand in blocks, made when somebody lists them, that only
know where the rows are. Jobs submitted one after the other to one queue are neighbours, and their block is a slice of
the column; others are gathered from it. A block all of whose jobs have ended is passed over when another status is
asked for, and one whose jobs are all forgotten always: neither changes any more.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from operator import itemgetter

from batchiac.engine.jobs import FAILED, SUCCEEDED
from batchiac.engine.waiting import QueueState
from batchiac.engine.world import World

BLOCK = 512


class Block:
    """The own rows of BLOCK jobs of a queue, -1 for one that was forgotten before."""

    __slots__ = ("forgotten", "rows", "settled")

    def __init__(self, rows: array[int]) -> None:
        first = rows[0]
        self.rows = range(first, first + BLOCK) if rows == array("i", range(first, first + BLOCK)) else rows
        self.settled = False
        self.forgotten = False

    def statuses(self, column: bytearray) -> bytearray:
        """Of its jobs in order; what stands for one that was forgotten means nothing."""
        if isinstance(self.rows, range):
            return column[self.rows.start : self.rows.stop]
        return bytearray(itemgetter(*self.rows)(column))


def positions_of(world: World, queue: QueueState, status: int | None, position: int) -> Iterator[int]:
    """Positions in `queue.records`, from `position` on, of the jobs that have this status (None: any)."""
    indices, blocks = queue.records, queue.blocks
    column, row_of = world.ledger.status, world.records.row_of
    while (len(blocks) + 1) * BLOCK <= len(indices):
        base = len(blocks) * BLOCK
        blocks.append(Block(array("i", map(row_of, indices[base : base + BLOCK]))))
    for number in range(position // BLOCK, len(blocks)):
        block = blocks[number]
        if not block.forgotten and not (block.settled and status is not None and status < SUCCEEDED):
            base = number * BLOCK
            yield from _in_block(world, queue, block, base, status, max(position - base, 0))
    for at in range(max(position, len(blocks) * BLOCK), len(indices)):
        row = row_of(indices[at])
        if row >= 0 and (status is None or column[row] == status):
            yield at


def _in_block(
    world: World, queue: QueueState, block: Block, base: int, status: int | None, place: int
) -> Iterator[int]:
    indices, entries = queue.records, world.records.entries
    statuses = block.statuses(world.ledger.status)
    block.settled = statuses.count(SUCCEEDED) + statuses.count(FAILED) == BLOCK
    if entries[indices[base]] is None:  # the first is forgotten: are all?
        block.forgotten = all(entries[index] is None for index in indices[base : base + BLOCK])
    while 0 <= place < BLOCK:
        if status is not None:
            place = statuses.find(status, place)
            if place < 0:
                return
        if entries[indices[base + place]] is not None:
            yield base + place
        place += 1
