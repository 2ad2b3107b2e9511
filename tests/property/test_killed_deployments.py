"""Random programs, killed at random moments: the next run, of the same program or another, makes it good.

A run from one program to another is photographed, state and account, at random writes and calls. Each picture is what a
process killed there leaves behind; from it a next run goes on. Programs rename things by aliases, move them into a
component and out of it, change its type, and turn dependencies round: entries are renamed while others of them are
replaced.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "lifecycle"))

from deploy_world import TOKEN, World, ops

from batchiac.deploy.state import file_backend
from batchiac.deploy.state.checkpoint import find_damage
from batchiac.deploy.state.file_backend import FileStore
from batchiac.errors import RefusedError

PICTURES = 4
"""At most, of one run."""

OTHER_TYPE = {"x:y:A": "x:y:B", "x:y:B": "x:y:A"}

HEAD = """
class Case(pulumi.ComponentResource):
    def __init__(self, type_, name, opts=None):
        super().__init__(type_, name, {}, opts)
"""


def program(chance: random.Random) -> str:
    """Four to seven things, any of which may be below a component."""
    lines = [HEAD]
    component = chance.choice(["", *OTHER_TYPE])
    if component:
        old = OTHER_TYPE[component]
        lines.append(f'case = Case("{component}", "case", opts=Opts(aliases=[pulumi.Alias(type_="{old}")]))')
    numbers = chance.sample(range(7), chance.randint(4, 7))
    if chance.random() < 0.4:
        numbers.sort()
    declared: list[str] = []
    for number in numbers:
        name = f"r{number}" if chance.random() < 0.5 else f"t{number}"
        given = [f"image={chance.choice([1, 1, 2, 3])}", f"size={chance.choice([1, 2])}"]
        options = [f'aliases=[pulumi.Alias(name="t{number}"), pulumi.Alias(name="r{number}")]']
        needed = [each for each in declared if chance.random() < 0.4]
        if needed and chance.random() < 0.3:
            given.append(f"ref={chance.choice(needed)}.arn")
        elif needed:
            options.append(f"depends_on=[{', '.join(needed)}]")
        if chance.random() < 0.1:
            given.append(f'name="fixed{number}"')
        if is_inside := bool(component) and chance.random() < 0.5:
            options.append("parent=case")
        # As ours are: made of the types above it and its name.
        given.append(f'identity="{component if is_inside else ""}/{name}"')
        if chance.random() < 0.1:
            options.append("delete_before_replace=True")
        lines.append(f'v{number} = Thing("{name}", {", ".join(given)}, opts=Opts({", ".join(options)}))')
        declared.append(f"v{number}")
    return "\n".join(lines) + "\n"


class Pictures:
    """Copies of state and account as they are at one moment: nothing is written or called meanwhile."""

    def __init__(self, world: World, folder: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[Path] = []
        self._state, self._account, self._folder = world.folder / ".state", world.account.folder, folder
        self._chance, self._rate = chance, chance.choice([0.1, 0.3])
        self._turn = threading.RLock()
        for owner, name in ((FileStore, "note"), (FileStore, "save"), (type(world.account), "change")):
            monkeypatch.setattr(owner, name, self._photographed(getattr(owner, name)))

    def _photographed(self, act: Any) -> Any:
        def acting(*arguments: Any) -> Any:
            with self._turn:
                result = act(*arguments)
                if len(self.taken) < PICTURES and self._chance.random() < self._rate:
                    self.taken.append(self._folder / f"picture{len(self.taken)}")
                    shutil.copytree(self._state, self.taken[-1] / "state")
                    shutil.copytree(self._account, self.taken[-1] / "account")
                return result

        return acting

    def restore(self, picture: Path) -> None:
        for kept, place in (("state", self._state), ("account", self._account)):
            shutil.rmtree(place)
            shutil.copytree(picture / kept, place)


def require_made_good(world: World, source: str) -> None:
    """A run of this program ends with what it declares, once each, and nothing else."""
    world.stack().store.break_locks()  # type: ignore[attr-defined]
    try:
        world.write(source).up()
    except RefusedError as refused:
        # Of two things that trade a fixed name, the account refuses the second: the program's fault.
        if "already exists" in refused.message:
            return
        raise
    snapshot = world.snapshot()
    account = world.account.all()
    assert find_damage(snapshot.resources) is None
    assert {each.id for each in snapshot.resources if each.type == TOKEN} == set(account)
    assert not any("creating" in each for each in account.values())
    assert snapshot.pending == ()
    assert ops(world.preview()) == {}


@pytest.mark.parametrize("seed", [3, 10, 32, 61, *range(4, 10)])
def test_a_killed_run_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Wherever it was killed, and whatever is wanted next: everything once, nothing left, no change open."""
    monkeypatch.setattr(file_backend, "CHECKPOINT_EVERY_S", 0.02)
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    chance = random.Random(seed)
    world = World(tmp_path)
    world.in_memory = False
    first, second, third = program(chance), program(chance), program(chance)
    world.write(first).up()
    with monkeypatch.context() as patched:
        pictures = Pictures(world, tmp_path, chance, patched)
        require_made_good(world, second)
    for picture in pictures.taken:
        for source in (second, third):
            pictures.restore(picture)
            require_made_good(world, source)
