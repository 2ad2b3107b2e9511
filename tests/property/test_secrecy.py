"""Any inputs with secrets anywhere, any order that a handler answers in, any change: no secret is ever written or said.

Written: checkpoint and journal, looked at before and after every call of the account and at every end. Said: plans as
text and as JSON, drift, diagnostics, failed steps, errors, findings.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "lifecycle"))

from deploy_world import CONFIG, ThingHandler, World

from batchiac.deploy.render.lines import diagnostic_line, plan_lines
from batchiac.deploy.render.preview_json import preview_json_text
from batchiac.deploy.secrets import new_passphrase
from batchiac.deploy.steps import Diagnostic, StepEnded
from batchiac.errors import AwsRefusal, BatchiacError
from batchiac.model.handler import CheckFailure, CheckResult, DiffResult, PropertyChange
from batchiac.provider.difference import ABSENT, differences
from batchiac.rules.predicates import shown

SECRETS = ("hunter2hunter2", 'it\'s "quoted"\\', "two\nlines of it", "ünder ✓ cover", "A1b2C3d4" * 15, 918273645)
"""What may never be seen. A number, quotes, line ends, and one that rules cut when they show it."""

OPEN = ("x", "y", "hunter", True, 7, "")


@attrs.frozen
class Hidden:
    """`pulumi.Output.secret(value)`."""

    value: Any


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    )


hidden = nested(st.sampled_from(SECRETS)).map(Hidden)
inputs = st.dictionaries(st.sampled_from(("p", "q")), nested(st.sampled_from(OPEN) | hidden), min_size=1)
orders = st.sampled_from(["as given", "reversed", "sorted", "rotated"])


def ordered(value: Any, order: str) -> Any:
    """Every list of the value in another order."""
    if isinstance(value, Mapping):
        return {key: ordered(each, order) for key, each in value.items()}
    if isinstance(value, list):
        elements = [ordered(each, order) for each in value]
        if order == "reversed":
            return elements[::-1]
        if order == "sorted":
            return sorted(elements, key=json.dumps)
        return elements[1:] + elements[:1] if order == "rotated" else elements
    return value


class NormalisingHandler(ThingHandler):
    """Answers in an order of its own, sees changes in a normal form, and repeats values wherever it says something."""

    order = "as given"
    refuses = ""

    def check(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> CheckResult:
        result = super().check(olds, inputs)
        reasons = [
            CheckFailure(key, f"{key} is {shown(leaf)}; all of it: {value!r} or {json.dumps(value)}", "NH1")
            for key, value in inputs.items()
            for leaf in (value, *leaves(value))
        ]
        return CheckResult(result.inputs, reasons if self.refuses == "check" else ())

    def diff(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> DiffResult:
        old, new = ({**ordered(each, "sorted"), "arn": "", "account": ""} for each in (state, inputs))
        changes = []
        for each in differences(old, new):
            before, after = (None if value is ABSENT else value for value in (each.old, each.new))
            changes.append(PropertyChange(each.path, each.kind, before, after, note=f"from {before!r}"))  # type: ignore[arg-type]
        return DiffResult(changes, notes=[f"{each.path} becomes {json.dumps(each.new)}" for each in changes])

    def _state(self, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return super()._state(id_, ordered(inputs, self.order))

    def create_unconfirmed(self, inputs: Mapping[str, Any]) -> Any:
        self._refuse("create", inputs)
        return super().create_unconfirmed(inputs)

    def update(self, id_: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse("update", {"old": state, "new": inputs})
        return super().update(id_, state, inputs)

    def _refuse(self, verb: str, values: Mapping[str, Any]) -> None:
        if self.refuses == verb:
            cause = ValueError(f"{values!r}")
            raise AwsRefusal("DoThing", "ClientException", f"not {json.dumps(values, ensure_ascii=False)}") from cause


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def source(value: Any) -> str:
    if isinstance(value, Hidden):
        return f"pulumi.Output.secret({value.value!r})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {source(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(source, value))}]"
    return repr(value)


def program(values: Mapping[str, Any]) -> str:
    exported = "\n".join(f"pulumi.export({key!r}, {source(each)})" for key, each in values.items())
    return f"Thing('a', **{source(values)})\n{exported}\n"


@cache
def salted() -> str:
    """One salt for all, so that the key is derived once."""
    return new_passphrase({"PULUMI_CONFIG_PASSPHRASE": ""}).salt_text


def traces(text: str) -> list[Any]:
    """The secrets that stand in a text, spelled in any of the ways that a text can be quoted."""
    return [
        secret
        for secret in SECRETS
        for plain in (str(secret), repr(str(secret))[1:-1], json.dumps(secret).strip('"'))
        if plain in text or plain in text.replace("\\\\", "\\") or (len(plain) > 80 and plain[:20] in text)
    ]


class Watched:
    """A world of which everything that is written or said is looked at."""

    def __init__(self, folder: Path, order: str) -> None:
        self.world = World(folder)
        self.world.in_memory = False
        self.handler = self.world.handler = NormalisingHandler(self.world.account)
        self.handler.order = order
        self.world.account.on_call = lambda _operation, _moment: self.look()

    def write(self, values: Mapping[str, Any]) -> None:
        self.world.write(program(values))
        config = {"encryptionsalt": salted(), "config": CONFIG}
        (self.world.folder / "stacks/Pulumi.dev.yaml").write_text(json.dumps(config), encoding="utf-8")

    def look(self) -> None:
        for path in (self.world.folder / ".state").rglob("*"):
            if path.is_file():
                assert traces(path.read_text(encoding="utf-8")) == [], path.name

    def run(self, verb: str, **options: Any) -> Any:
        """Do it, and look at all that it says; what it raises is looked at and returned."""
        events: list[Any] = []
        said: list[str] = []
        plans: list[Any] = []

        def approve(plan: Any) -> bool:
            plans.append(plan)
            return True

        if verb != "preview":
            options["approve"] = approve
        if verb != "refresh":
            options["on_event"] = events.append
        try:
            result = getattr(self.world, verb)(**options)
            plans.append(result)
        except BatchiacError as error:
            result = error
            said += [str(error), error.message, *getattr(error, "__notes__", ())]
            said += [str(each) for each in getattr(error, "findings", ())]
            said += [str(error.__cause__), getattr(error, "aws_message", "")]
        for plan in plans:
            said += [line.text for line in plan_lines(plan, every_property=True)]
            said.append(preview_json_text(plan))
        said += [diagnostic_line(each).text for each in events if isinstance(each, Diagnostic)]
        said += [str(each.error) for each in events if isinstance(each, StepEnded)]
        for text in said:
            assert traces(text) == [], text
        self.look()
        return result


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=inputs,
    second=inputs,
    order=orders,
    outside=orders,
    refuses=st.sampled_from(["", "", "create", "update", "check"]),
)
def test_no_secret_is_written_or_said(
    first: dict[str, Any], second: dict[str, Any], order: str, outside: str, refuses: str
) -> None:
    """A life: created (perhaps refused before), changed, changed outside, refreshed, put right, deleted."""
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(Path(folder), order)
        watched.write(first)
        watched.run("preview")
        watched.handler.refuses = refuses
        refused = watched.run("up")
        assert isinstance(refused, BatchiacError) is (refuses in ("create", "check"))
        watched.handler.refuses = ""
        watched.run("up")
        assert not watched.run("preview").has_changes
        watched.write(second)
        plan = watched.run("preview")
        watched.handler.refuses = refuses
        refused = watched.run("up")
        assert isinstance(refused, BatchiacError) is (refuses == "check" or (refuses == "update" and plan.has_changes))
        watched.handler.refuses = ""
        watched.run("up")
        found = watched.world.account.read("id-0")
        assert found is not None
        changed = {key: [ordered(each, outside), "x"] if key in ("p", "q") else each for key, each in found.items()}
        watched.world.account.change("update", "id-0", changed)
        watched.run("preview", refresh=True)
        watched.run("refresh")
        watched.run("up")
        assert not watched.run("preview", refresh=True).has_changes
        watched.run("destroy")
