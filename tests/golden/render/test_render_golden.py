"""What a plan looks like, as lines and as JSON. Written anew with BATCHIAC_WRITE_GOLDEN=1 only, and reviewed."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import attrs
import pytest

from batchiac.deploy.render.lines import diagnostic_line, plan_lines
from batchiac.deploy.render.plain import PlainProgress, print_lines
from batchiac.deploy.render.preview_json import preview_json_text
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Diagnostic, Op, Plan, Result, Step, StepEnded, StepStarted
from batchiac.deploy.values import Secret
from batchiac.model.handler import Effect, PropertyChange
from batchiac.model.unknown import UNKNOWN

FOLDER = Path(__file__).parent
STACK = "urn:pulumi:local::infra::pulumi:pulumi:Stack::infra-local"
PROVIDER = "urn:pulumi:local::infra::pulumi:providers:pulumi-python::default::p-1"
KIND = "pulumi-python:dynamic/batch:"


def entry(kind: str, name: str, **inputs: Any) -> ResourceState:
    return ResourceState(
        f"urn:pulumi:local::infra::{KIND}{kind}::{name}",
        f"{KIND}{kind}",
        True,
        id=f"arn:{name}",
        inputs={"__provider": "gAS", **inputs},
        outputs={"__provider": "gAS", "arn": f"arn:{name}", **inputs},
        parent=STACK,
        provider=PROVIDER,
    )


def step(op: Op, state: ResourceState, **fields: Any) -> Step:
    old = None if op is Op.CREATE else state
    new = None if op in (Op.DELETE, Op.DELETE_REPLACED) else state
    return Step(op, state.urn, state.type, old, new, **fields)


def plan() -> Plan:
    root = ResourceState(STACK, "pulumi:pulumi:Stack", False)
    environment = entry("ComputeEnvironment", "on-demand", computeResources={"maxvCpus": 512})
    spot = entry("ComputeEnvironment", "spot", type="MANAGED")
    fixed = entry("ComputeEnvironment", "fixed", computeEnvironmentName="fixed")
    changes = (
        PropertyChange("computeResources.maxvCpus", "update", 256, 512, Effect.SCALING_UPDATE),
        PropertyChange(
            "computeResources.ec2KeyPair", "add", None, "ops", Effect.INFRASTRUCTURE_UPDATE, "new instances"
        ),
        PropertyChange("tags.password", "update", Secret("swordfish"), Secret("sturgeon")),
        PropertyChange("tags.long", "delete", "x" * 400, None),
    )
    forced = (PropertyChange("allocationStrategy", "update-replace", "BEST_FIT", UNKNOWN, Effect.REPLACE),)
    return Plan(
        (
            step(Op.SAME, root),
            step(Op.CREATE, entry("JobQueue", "urgent", priority=10, order=[{"ce": UNKNOWN}], key=Secret("swordfish"))),
            step(Op.UPDATE, environment, changes=changes, notes=("12 running jobs get up to 30 minutes",)),
            step(Op.REPLACE, spot, changes=forced, replaces=("allocationStrategy",)),
            step(Op.REPLACE, fixed, changes=forced, replaces=("allocationStrategy",), deletes_first=True),
            step(Op.DELETE, entry("Role", "old"), is_retained=True),
            step(Op.DELETE_REPLACED, entry("Role", "left")),
        ),
        (Diagnostic("warning", "BEST_FIT makes later updates replacements", spot.urn),),
        outputs={"arn": UNKNOWN, "same": 1, "nested": {"a": 1, "b": [2]}, "new": Secret("swordfish")},
        old_outputs={"arn": "arn:x", "same": 1, "nested": {"a": 1, "b": [3]}, "gone": "y"},
        config={"batchiac:target": "local", "infra:pw": "[secret]"},
        seconds=0.25,
        drift=(
            step(Op.SAME, root),
            step(Op.UPDATE, environment, changes=(PropertyChange("state", "update", "ENABLED", "DISABLED"),)),
        ),
    )


def result() -> Result:
    done = plan()
    steps = (
        done.steps[0],
        done.steps[1],
        attrs.evolve(done.steps[3], op=Op.CREATE_REPLACEMENT),
        attrs.evolve(done.steps[3], op=Op.DELETE_REPLACED),
    )
    return Result(steps, outputs=done.old_outputs, old_outputs=done.old_outputs, seconds=3.5)


def text_of_lines(*, every_property: bool) -> str:
    stream = io.StringIO()
    print_lines(plan_lines(plan(), every_property=every_property), stream)
    return stream.getvalue()


def text_of_progress() -> str:
    stream = io.StringIO()
    with PlainProgress(stream, starts=True) as progress:
        for each in plan().steps[1:3]:
            progress(StepStarted(each))
            progress(StepEnded(each, 1.25))
        progress(StepEnded(plan().steps[5], 2.0, "AWS refused DeleteRole: DeleteConflict: in use"))
        progress(plan().diagnostics[0])
    return stream.getvalue()


def text_of_result() -> str:
    stream = io.StringIO()
    print_lines(plan_lines(result(), done=True), stream)
    return stream.getvalue()


CASES = {
    "plan.txt": lambda: text_of_lines(every_property=False),
    "plan_every_property.txt": lambda: text_of_lines(every_property=True),
    "plan.json": lambda: preview_json_text(plan()) + "\n",
    "progress.txt": text_of_progress,
    "result.txt": text_of_result,
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_golden(name: str) -> None:
    """The rendering is the one that was reviewed, and holds no secret."""
    text = CASES[name]()
    if os.environ.get("BATCHIAC_WRITE_GOLDEN"):
        (FOLDER / name).write_text(text, encoding="utf-8")
    assert text == (FOLDER / name).read_text(encoding="utf-8")
    assert "swordfish" not in text
    assert "sturgeon" not in text


def test_no_change_is_one_line() -> None:
    """A plan without changes says how many resources there are, and no more."""
    root = ResourceState(STACK, "pulumi:pulumi:Stack", False)
    assert [line.text for line in plan_lines(Plan((step(Op.SAME, root),)))] == ["Resources:", "    1 unchanged"]


def test_live_progress_shows_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the finished steps stand above the bar, in the words of the plain ones."""
    from batchiac.deploy.render.live import LiveProgress

    monkeypatch.setenv("TERM", "dumb")
    stream = io.StringIO()
    with LiveProgress(stream, total=2) as progress:
        for each in plan().steps[1:3]:
            progress(StepStarted(each))
            progress(StepEnded(each, 1.25))
    for line in ("+  batch:JobQueue urgent  created (1.2 s)", "~  batch:ComputeEnvironment on-demand  updated (1.2 s)"):
        assert line in stream.getvalue()


def test_diagnostics_name_their_resource() -> None:
    """A message about a resource says which; one about the stack does not."""
    about = Diagnostic("error", " too many ", f"urn:pulumi:local::infra::a:b:C${KIND}JobQueue::urgent")
    assert diagnostic_line(about).text == "error: batch:JobQueue urgent: too many"
    assert diagnostic_line(Diagnostic("info", "hello", STACK)).text == "info: hello"
