"""Who waits for whom: the edges of the graph of jobs, as columns.

Two integers an edge and none an absent one: a list of pairs a parent would be three more objects a job for the cyclic
collector to go through, again and again while jobs are submitted, which made 100,000 jobs in chains cost more a job
than 10,000.
"""

from __future__ import annotations

from array import array

NOBODY = -1


class Dependents:
    """For each parent the records that wait for its end, in order of submission.

    A parent keeps the number of its last edge (`Record.dependents`); `following` leads from that to the first, and
    from each to the next. `edges` holds twice the dependent's index, plus one where it is N_TO_N.
    """

    __slots__ = ("edges", "following", "spare")

    def __init__(self) -> None:
        self.edges = array("q")
        self.following = array("i")
        self.spare = NOBODY

    def add(self, last: int, dependent: int, by_child: bool) -> int:
        """One more edge behind `last`, which may be NOBODY; its number, the parent's `last` from now on."""
        edge = self.spare
        if edge == NOBODY:
            edge = len(self.edges)
            self.edges.append(dependent << 1 | by_child)
            self.following.append(edge)
        else:
            self.spare = self.following[edge]
            self.edges[edge] = dependent << 1 | by_child
            self.following[edge] = edge
        if last != NOBODY:
            self.following[edge] = self.following[last]
            self.following[last] = edge
        return edge

    def of(self, last: int) -> list[tuple[int, int]]:
        """(index of the record, 1 where it is N_TO_N) of each that waits, in order of submission."""
        found: list[tuple[int, int]] = []
        edge = last
        while edge != NOBODY:
            edge = self.following[edge]
            found.append((self.edges[edge] >> 1, self.edges[edge] & 1))
            if edge == last:
                break
        return found

    def forget(self, last: int) -> None:
        """The parent has ended: its edges may be given out again."""
        if last != NOBODY:
            first = self.following[last]
            self.following[last] = self.spare
            self.spare = first
