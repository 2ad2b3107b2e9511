"""Which instance takes the next container: best fit over vCPUs, then GPUs, then memory, then the oldest.

ECS's `binpack` takes the instance with the least of a resource left that still fits. Instances with any vCPU free
stand in buckets by free vCPUs; a bit mask says which buckets hold any; inside a bucket they are sorted by (GPUs,
memory, serial). So a decision costs a few bit operations and a bisection, however many instances and jobs there are,
and a full instance costs nothing. GPUs come before memory so that a job without GPUs leaves GPU instances alone.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchiac.engine.fleet import Host

SERIAL_BITS = 32
MEMORY_BITS = 28
_GPU_SHIFT = SERIAL_BITS + MEMORY_BITS
SERIAL_MASK = (1 << SERIAL_BITS) - 1
_MEMORY_MASK = (1 << MEMORY_BITS) - 1


class PlacementIndex:
    """The instances of one environment that take jobs."""

    __slots__ = ("_hosts", "buckets", "mask", "max_gpus")

    def __init__(self, hosts: list[Host]) -> None:
        """`hosts`: every instance of the engine, by serial."""
        self._hosts = hosts
        self.mask = 0
        self.buckets: dict[int, list[int]] = {}
        self.max_gpus = 0

    def add(self, host: Host) -> None:
        """List an instance by what it has free now; call before nothing else about it changes."""
        free = host.free_cpu
        if not free:
            return
        key = host.free_gpus << _GPU_SHIFT | host.free_memory << SERIAL_BITS | host.serial
        if host.free_gpus > self.max_gpus:
            self.max_gpus = host.free_gpus
        bit = 1 << free
        if self.mask & bit:
            insort(self.buckets[free], key)
        else:
            self.mask |= bit
            bucket = self.buckets.get(free)
            if bucket is None:
                self.buckets[free] = [key]
            else:
                bucket.append(key)

    def remove(self, host: Host) -> None:
        """Take an instance off the list, before what it has free changes."""
        free = host.free_cpu
        if not free:
            return
        bucket = self.buckets[free]
        key = host.free_gpus << _GPU_SHIFT | host.free_memory << SERIAL_BITS | host.serial
        del bucket[bisect_left(bucket, key)]
        if not bucket:
            self.mask ^= 1 << free

    def find(self, cpu: int, memory_mib: int, gpus: int) -> Host | None:
        """The instance that the next container goes to, None when none has room.

        Args:
            cpu: quarters of a vCPU, ≥ 1.
            memory_mib: of usable memory.
            gpus: whole GPUs.
        """
        mask = self.mask >> cpu
        while mask:
            low = mask & -mask
            bucket = self.buckets[cpu + low.bit_length() - 1]
            for level in range(gpus, self.max_gpus + 1):
                at = bisect_left(bucket, level << _GPU_SHIFT | memory_mib << SERIAL_BITS)
                if at == len(bucket):
                    break
                key = bucket[at]
                if (key >> SERIAL_BITS & _MEMORY_MASK) >= memory_mib:
                    return self._hosts[key & SERIAL_MASK]
            mask ^= low
        return None
