"""Any valid state, any program: the result is valid and as a fresh deployment; what is written is read the same."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "lifecycle"))

from deploy_world import World

from batchiac.deploy.state.checkpoint import CheckpointWriter, Snapshot, find_damage, read_checkpoint
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.values import differing, parse_path, path_text

NAMES = ("a", "b", "c", "d", "e")
BOXED = ("b", "d")
"""Things below a component. Always the same: moved without an alias, a thing is another of the same physical name."""

things = st.fixed_dictionaries(
    {
        "size": st.integers(0, 2),
        "image": st.sampled_from(["x", "y"]),
        "fixed": st.booleans(),
        "needs": st.sets(st.sampled_from(NAMES), max_size=2),
        "depends": st.sets(st.sampled_from(NAMES), max_size=1),
        "first": st.sampled_from(["None", "True"]),
    }
)
programs = st.dictionaries(st.sampled_from(NAMES), things, max_size=5)


def source(program: dict[str, dict[str, Any]]) -> str:
    """A program; a thing refers only to things before it, as Python allows no other."""
    lines: list[str] = ['box = Box("box")'] if set(BOXED) & set(program) else []
    for name in sorted(program):
        each = program[name]
        refs = [f"{other}.arn" for other in sorted(each["needs"]) if other in program and other < name]
        waits = [other for other in sorted(each["depends"]) if other in program and other < name]
        fixed = f', name="fixed-{name}"' if each["fixed"] else ""
        parent = ", parent=box" if name in BOXED else ""
        lines.append(
            f'{name} = Thing("{name}", size={each["size"]}, image="{each["image"]}"{fixed}, refs=[{", ".join(refs)}],'
            f" opts=Opts(depends_on=[{', '.join(waits)}], delete_before_replace={each['first']}{parent}))"
        )
        lines.append(f'pulumi.export("{name}", {name}.arn)')
    return "\n".join(lines) + "\n"


def essence(world: World) -> dict[str, Any]:
    """What the state says of each thing, with ids that AWS made up replaced by names."""
    by_arn = {state.outputs["arn"]: name for name, state in world.things().items()}
    return {
        state.urn: {
            "inputs": {
                key: [by_arn[each] for each in value] if key == "refs" else value
                for key, value in state.inputs.items()
                if key not in ("__provider", "name") or (key == "name" and not state.inputs.get("autoNamed"))
            },
            "dependencies": state.dependencies,
            "parent": state.parent,
        }
        for state in world.things().values()
    }


@settings(max_examples=25)
@given(first=programs, second=programs)
def test_any_change_of_program_ends_as_a_fresh_deployment(
    first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]
) -> None:
    """From any program to any other: valid state, no orphan, no further change, equal to a fresh deployment."""
    with tempfile.TemporaryDirectory() as folder:
        changed, fresh = World(Path(folder) / "changed"), World(Path(folder) / "fresh")
        changed.write(source(first)).up()
        changed.write(source(second)).up()
        fresh.write(source(second)).up()
        assert find_damage(changed.snapshot().resources) is None
        changed.require_no_orphans()
        assert essence(changed) == essence(fresh)
        assert not changed.preview().has_changes
        changed.destroy()
        assert changed.account.all() == {}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(inputs=st.dictionaries(st.text(max_size=5), json_values, max_size=4), extra=st.integers(), protect=st.booleans())
def test_what_is_written_is_read_the_same(inputs: dict[str, Any], extra: int, protect: bool) -> None:
    """Any JSON values survive the state file, and writing them again gives the same entries."""
    state = ResourceState(
        "urn:pulumi:s::p::t:t:T::n", "t:t:T", True, "i", inputs, inputs, protect=protect, extra={"x": extra}
    )
    writer = CheckpointWriter("organization/p/s", lambda text: text)
    again = read_checkpoint(writer.text(Snapshot((state,))), "here")
    assert json.dumps(again.resources[0].to_json()) == json.dumps(state.to_json())


# Where null and absent are told apart by nobody (Pulumi drops nulls), and 0.0 and -0.0 are equal.
compared_values = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.floats(0.5, 2) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(old=compared_values, new=compared_values)
def test_differing_places_are_all_and_only_the_differences(old: Any, new: Any) -> None:
    """No difference means equal, and every named place has different values."""
    found = list(differing(old, new))
    assert (found == []) == (json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))
    assert all(was is not now and (type(was) is not type(now) or was != now) for _, was, now in found)


@settings(max_examples=60)
@given(path=st.lists(st.integers(0, 99) | st.from_regex(r"[a-zA-Z_:/-][a-zA-Z0-9_.:/-]*", fullmatch=True), min_size=1))
def test_paths_survive_being_written(path: list[str | int]) -> None:
    """A path is read back as it was, dots in names and all."""
    if isinstance(path[0], int):
        path = ["x", *path]
    assert parse_path(path_text(tuple(path))) == tuple(path)
