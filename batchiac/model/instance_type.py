"""EC2 instance types: their shapes, families, and how much of their memory a job can have.

The table `data/instance_types.csv` is generated and dated (scripts/generate_instance_types.py). It is read at the
first look-up, and a row becomes an `InstanceType` when it is asked for: 1,395 rows cost 2 ms, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

from attrs import frozen

Architecture = Literal["x86_64", "arm64"]

DEFAULT_X86_64 = ("m6i", "c6i", "r6i", "c7i")
"""What `default_x86_64` and `optimal` stand for. Source: botocore 1.44.5, batch ComputeResource.instanceTypes."""

DEFAULT_ARM64 = ("m6g", "c6g", "r6g", "c7g")
"""What `default_arm64` stands for. Source: botocore 1.44.5, batch ComputeResource.instanceTypes."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    # UpdateComputeEnvironment's own text still lists c4, m4, r4, c5, m5, r5 for `optimal` and says that this changes
    # from 2025-11-01; CreateComputeEnvironment's says "semantically equivalent to default_x86_64". The later one wins.
    "optimal": DEFAULT_X86_64,
    "default_x86_64": DEFAULT_X86_64,
    "default_arm64": DEFAULT_ARM64,
}

RESERVED_MIB = 32
"""Memory that the default ECS AMI keeps back (ECS_RESERVED_MEMORY).

Source: https://docs.aws.amazon.com/batch/latest/userguide/ecs-reserved-memory.html, read 2026-11.
"""


@frozen
class InstanceType:
    """One row of EC2's catalogue.

    Attributes:
        name: `m5.xlarge`.
        vcpus: default vCPUs (1..1920).
        memory_mib: nominal memory; jobs get less, see `usable_memory_mib`.
        gpus: whole GPUs, 0 where there is none.
        current_generation: EC2's own word for it.
        spot: True where the type can be bought on the Spot market.
        efa: True where the type has an Elastic Fabric Adapter.
    """

    name: str
    vcpus: int
    memory_mib: int
    gpus: int = 0
    architecture: Architecture = "x86_64"
    current_generation: bool = True
    bare_metal: bool = False
    spot: bool = True
    efa: bool = False

    @property
    def family(self) -> str:
        """What stands before the dot: `m5`."""
        return self.name.partition(".")[0]

    @property
    def size(self) -> str:
        """What stands after the dot: `xlarge`."""
        return self.name.partition(".")[2]


def usable_memory_mib(nominal_mib: int, *, reserved_mib: int = 0) -> int:
    """The memory that an instance registers with ECS, less what is kept back; never below 0.

    "An m4.large instance has 8 GiB of installed memory. However, this doesn't always translate to exactly 8192 MiB":
    its agent registers 7,985. Assumption (decision 0101): the kernel's page table takes 1/64 of the memory and 79 MiB
    go to fixed costs, which gives 7,985 for 8,192.
    Source: https://docs.aws.amazon.com/batch/latest/userguide/ecs-reserved-memory.html, read 2026-11.

    Args:
        nominal_mib: what EC2 says the type has.
        reserved_mib: kept back from jobs; the default AMI keeps `RESERVED_MIB`.
    """
    return max(0, nominal_mib - nominal_mib // 64 - 79 - reserved_mib)


class Catalogue(Mapping[str, InstanceType]):
    """Instance types by name, each made when it is first asked for; in order of name."""

    def __init__(self, rows: Mapping[str, str]) -> None:
        """`rows`: name to the comma-separated rest of its line in the table."""
        self._rows = rows
        self._made: dict[str, InstanceType] = {}
        self._families: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, types: Iterable[InstanceType]) -> Catalogue:
        """A catalogue of chosen types, for tests and what-if runs."""
        made = cls({})
        made._made = {each.name: each for each in types}
        made._rows = dict.fromkeys(made._made, "")
        return made

    def __getitem__(self, name: str) -> InstanceType:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = _parse(name, self._rows[name])
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def find_family(self, family: str) -> tuple[str, ...]:
        """The names of a family's types, smallest first, bare metal left out; empty where there is no such family.

        "If you specify a family, .metal types are excluded."
        """
        if not self._families:
            families: dict[str, list[str]] = {}
            for name in self._rows:
                families.setdefault(name.partition(".")[0], []).append(name)
            for each, names in families.items():
                whole = [name for name in names if not self[name].bare_metal]
                self._families[each] = tuple(sorted(whole, key=lambda name: (self[name].vcpus, name)))
        return self._families.get(family, ())

    def expand(self, requested: Iterable[str]) -> tuple[str, ...]:
        """The type names that `instanceTypes` stands for: groups and families unfolded, in order, each once.

        A name that is neither a type, a family nor a group is left out: a rule reports it. An explicit type is taken
        out of its own family, so that BEST_FIT_PROGRESSIVE_ORDERED sees it at the place where the user put it.
        """
        wanted = list(requested)
        explicit = {name for name in wanted if name in self._rows}
        found: dict[str, None] = {}
        for name in wanted:
            if name in self._rows:
                found.setdefault(name)
                continue
            for family in GROUPS.get(name, (name,)):
                for member in self.find_family(family):
                    if member not in explicit:
                        found.setdefault(member)
        return tuple(found)


def _parse(name: str, rest: str) -> InstanceType:
    vcpus, memory_mib, gpus, architecture, current, metal, spot, efa = rest.split(",")
    return InstanceType(
        name,
        int(vcpus),
        int(memory_mib),
        int(gpus),
        "arm64" if architecture == "arm64" else "x86_64",
        current == "1",
        metal == "1",
        spot == "1",
        efa == "1",
    )


@cache
def read_instance_types() -> Catalogue:
    """EC2's catalogue as generated (its first line says from what and when)."""
    text = resources.files("batchiac.model").joinpath("data/instance_types.csv").read_text(encoding="ascii")
    lines = text.splitlines()[2:]
    return Catalogue(dict(line.split(",", 1) for line in lines))
