"""Fair share: which share of a queue is next.

A share's usage is the vCPU time of its STARTING and RUNNING jobs and of those that ended within the decay window,
over its weight; the share with the least is next. Within a share higher scheduling priority goes first, then first in,
first out. Usage is brought up to date once an epoch (the window cut into `fair_share_epochs`), and each job that
starts is charged an epoch at once, so that shares take turns within one. With many shares that have waiting jobs,
usage is not brought up to date before half as many jobs have started, or a tenth of the window has passed: the cost a
job stays the same, however many shares there are. Assumption (0108): AWS publishes neither the
curve of the decay nor how often it is evaluated. Ties go to the share that was first used, or as the seed says
(`fair_share_ties`).

While shares that nobody uses yet could appear, a part of maxvCpus is kept for them:
maxvCpus · (computeReservation/100)^(active shares).
Source: https://docs.aws.amazon.com/batch/latest/userguide/share-identifiers.html, scheduling-policies.html, read
2026-11; AWS HPC blog, "Deep dive on fair-share scheduling in AWS Batch".
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, heapreplace

from batchiac.engine.lanes import RUNNABLE, Lane
from batchiac.engine.records import CPU_UNITS, Prepared
from batchiac.engine.refusals import InvalidRefusal
from batchiac.engine.waiting import Demand, Line, QueueState, ShareState
from batchiac.engine.world import World
from batchiac.model.job import JobRequest
from batchiac.model.scheduling_policy import SchedulingPolicy

DEFAULT_DECAY_S = 600
MAX_SHARES = 500
_TIES = 1 << 32


class FairShare:
    """The shares of one queue, and which of them is next.

    `heap` holds (usage, serial, share) of every share with waiting jobs, as of `epoch`; `current` where the row waits
    that `head` returned last. The short cut (fastlane.py) looks at them itself; it does what `head`, `started`,
    `stopped` and `taken` do.
    """

    __slots__ = ("_policy", "_queue", "_stale", "_status", "_step", "current", "epoch", "epoch_ms", "heap", "shares",
                 "starts", "window_ms")  # fmt: skip

    def __init__(self, world: World, queue: QueueState, policy: SchedulingPolicy) -> None:
        self._queue = queue
        self._status = world.ledger.status
        self.shares: dict[str, ShareState] = {}
        self.heap: list[tuple[float, int, ShareState]] = []
        self.epoch = -1
        self.starts = 0
        self.current: tuple[ShareState, Lane] | None = None
        self.apply(world, policy)

    def apply(self, world: World, policy: SchedulingPolicy) -> None:
        """Take over a policy: from now on its weights and its window hold."""
        self._policy = policy
        self._step = world.settings.fair_share_decay == "step"
        self.window_ms = (policy.share_decay_s or DEFAULT_DECAY_S) * 1000 + world.settings.order_minutes * 60_000
        self.epoch_ms = max(1, self.window_ms // world.settings.fair_share_epochs)
        self._stale = max(1, world.settings.fair_share_epochs // 10)
        for share in self.shares.values():
            share.weight = self.weight_of(share.identifier)
        self.epoch = -1

    def weight_of(self, identifier: str) -> float:
        """The weight of a share: its own entry, or the prefix entry that matches; 1 where there is none."""
        for entry in self._policy.shares:
            if entry.identifier == identifier:
                return entry.weight_factor
        for entry in self._policy.shares:
            if entry.identifier.endswith("*") and identifier.startswith(entry.identifier[:-1]):
                return entry.weight_factor
        return 1.0

    def _count_members(self, world: World) -> None:
        """`share_prefix_weight` "counted": each share of a prefix weighs as much as all of its active shares together.

        "UserA*" with weight 1 and n members: each has weight n. Source: the User Guide as of January 2023; decision
        0115.
        """
        exact = {entry.identifier for entry in self._policy.shares}
        for entry in self._policy.shares:
            if entry.identifier.endswith("*"):
                members = [
                    share
                    for share in self.shares.values()
                    if share.identifier not in exact and share.identifier.startswith(entry.identifier[:-1])
                ]
                active = sum(share.alive > 0 or share.active_until > world.now_ms for share in members)
                for share in members:
                    share.weight = entry.weight_factor * max(1, active)

    # --- what the jobs do ---

    def join(self, world: World, identifier: str) -> ShareState:
        """A job of this share was submitted.

        Raises:
            InvalidRefusal: it would be the 501st active share.
        """
        share = self.shares.get(identifier)
        if share is None:
            if self.active_count(world) >= MAX_SHARES:
                raise InvalidRefusal(
                    f"Job queue {self._queue.spec.name} has {MAX_SHARES} active share identifiers already:"
                    f" {identifier} cannot be added until one has no more jobs."
                )
            serial = len(self.shares)
            if world.settings.fair_share_ties == "seeded":
                chance = world.stream.rekey(1 << 43, self._queue.serial, serial).random()
                serial |= int(chance * _TIES) << 16
            weight = self.weight_of(identifier)
            share = self.shares[identifier] = ShareState(self, identifier, weight, serial, Lane(self._status))
            share.since = share.moment = world.now_ms
        share.alive += 1
        return share

    def join_line(self, world: World, request: JobRequest, demand: Demand, plan: Prepared) -> Line:
        """`join`, and where in its share such a job waits."""
        share = self.shares.get(request.share_identifier)
        if share is None:
            share = self.join(world, request.share_identifier)
        else:
            share.alive += 1
        priority = request.scheduling_priority
        if priority is None:
            priority = request.definition.scheduling_priority or 0
        line = share.lines.get((demand, priority))
        if line is None:
            line = share.lines[demand, priority] = Line(demand, self._lane(share, priority), share, priority)
        if request.scheduling_priority is None:
            share.usual, share.usual_line = plan, line
        return line

    def leave(self, world: World, share: ShareState) -> None:
        """A job of this share ended."""
        share.alive -= 1
        if not share.alive:
            share.active_until = world.now_ms + self.window_ms

    def active_count(self, world: World) -> int:
        """Shares with a job that has not ended, and those whose window has not passed since."""
        now = world.now_ms
        return sum(share.alive > 0 or share.active_until > now for share in self.shares.values())

    def started(self, world: World, share: ShareState, cpu: int) -> None:
        """A job of `cpu` quarters began."""
        share.spent -= cpu * world.now_ms
        share.cpu += cpu
        share.key += cpu * self.epoch_ms * share.weight

    def stopped(self, world: World, share: ShareState, cpu: int) -> None:
        """A job of `cpu` quarters ended."""
        share.spent += cpu * world.now_ms
        share.cpu -= cpu
        if not share.cpu:
            share.since = world.now_ms

    # --- the order ---

    def append(self, world: World, share: ShareState, priority: int, first: int, end: int) -> None:
        """Rows became RUNNABLE."""
        lane = self._lane(share, priority)
        lane.append(first, end)
        self.list_share(share)

    def push_front(self, world: World, share: ShareState, priority: int, row: int) -> None:
        """A row is retried."""
        self._lane(share, priority).push_front(row)
        self.list_share(share)

    def _lane(self, share: ShareState, priority: int) -> Lane:
        lane = share.lanes.get(priority)
        if lane is None:
            lane = Lane(self._status)
            share.lanes[priority] = lane
            share.lanes = dict(sorted(share.lanes.items(), reverse=True))
            share.lane = next(iter(share.lanes.values()))
        return lane

    def list_share(self, share: ShareState) -> None:
        """Have a share with waiting jobs take part."""
        if not share.listed:
            share.listed = True
            heappush(self.heap, (share.key, share.serial, share))

    def head(self, world: World) -> int:
        """The next row, -1 when none waits."""
        heap = self.heap
        if not heap:
            return -1
        epoch = world.now_ms // self.epoch_ms
        if epoch != self.epoch and (self.starts * 2 >= len(self.shares) or epoch - self.epoch >= self._stale):
            self._refresh(world, epoch)
            heap = self.heap
        status = self._status
        while heap:
            share = heap[0][2]
            for lane in share.lanes.values():
                row = lane.cursor  # what lane.head() begins with, without a call a job
                if row >= lane.end or status[row] != RUNNABLE:
                    row = lane.head()
                if row >= 0:
                    self.current = (share, lane)
                    return row
            heappop(heap)
            share.listed = False
        return -1

    def taken(self, world: World) -> None:
        """The head that was returned last has started."""
        assert self.current is not None
        share, lane = self.current
        lane.cursor += 1
        if lane.cursor == lane.end and lane.runs:
            lane.next_run()  # so that the next look finds a row without a call
        self.starts += 1
        heapreplace(self.heap, (share.key, share.serial, share))

    def _refresh(self, world: World, epoch: int) -> None:
        """A new epoch: bring usage up to now, with decay."""
        self.epoch = epoch
        self.starts = 0
        if world.settings.share_prefix_weight == "counted":
            self._count_members(world)
        for share in self.shares.values():
            share.key = self._usage(world, share)
        self.heap = [(share.key, share.serial, share) for _, _, share in self.heap]
        heapify(self.heap)

    def _usage(self, world: World, share: ShareState) -> float:
        """Weighted, decayed usage: each epoch's vCPU time counts less with its age (linear), or in full (step)."""
        now = world.now_ms
        epochs = share.epochs
        spent = share.spent
        at = share.since  # of a share that has nothing running: when its last job ended, however long ago
        if share.cpu:
            spent += share.cpu * now
            at = now
            share.spent = -share.cpu * now
        else:
            share.spent = 0
        if spent:
            epochs.append((at, spent))
            share.total += spent
            share.moment += spent * at
        elif not epochs:
            return 0.0
        oldest = now - self.window_ms
        while epochs and epochs[0][0] <= oldest:
            at, amount = epochs.popleft()
            share.total -= amount
            share.moment -= amount * at
        if self._step:
            return share.total * share.weight
        # Σ amount · (1 − age/window) = total · (1 − now/window) + moment/window, in integers until the last step.
        return (share.total * (self.window_ms - now) + share.moment) / self.window_ms * share.weight

    @property
    def reserves(self) -> bool:
        """True when computeReservation keeps vCPUs back."""
        return self._policy.compute_reservation > 0

    def may_take(self, world: World, cpu: int) -> bool:
        """False when the job would use vCPUs that computeReservation keeps for shares not active yet."""
        reservation = self._policy.compute_reservation
        if not reservation:
            return True
        total = sum(
            environment.spec.resources.max_vcpus
            if environment.spec.resources is not None
            else environment.spec.unmanaged_vcpus
            for environment in self._queue.environments
        )
        reserved = total * (reservation / 100) ** self.active_count(world)
        used = sum(share.cpu for share in self.shares.values())
        return used + cpu <= (total - reserved) * CPU_UNITS

    def preview(self, world: World, limit: int) -> list[int]:
        """The first rows in dispatch order, as if each started in turn; nothing is changed."""
        epoch = world.now_ms // self.epoch_ms
        if epoch != self.epoch:
            self._refresh(world, epoch)
        waiting = {
            share.serial: [row for lane in share.lanes.values() for row in lane.preview(limit)]
            for share in self.shares.values()
            if share.listed
        }
        heap = [(share.key, share.serial, 0) for share in self.shares.values() if waiting.get(share.serial)]
        by_serial = {share.serial: share for share in self.shares.values()}
        heapify(heap)
        found: list[int] = []
        while heap and len(found) < limit:
            key, serial, place = heappop(heap)
            rows = waiting[serial]
            row = rows[place]
            found.append(row)
            if place + 1 < len(rows):
                record = world.records[world.ledger.owner[row]]
                assert record is not None
                shape = record.plan.shape
                cost = shape.cpu * max(1, shape.nodes) * self.epoch_ms * by_serial[serial].weight
                heappush(heap, (key + cost, serial, place + 1))
        return found
