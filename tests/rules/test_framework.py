"""The frame of the rules: values not yet known, wrong types, speed-up without loss, look-ups, generated files."""

from __future__ import annotations

import copy
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchiac.model import UNKNOWN, contains_unknown
from batchiac.rules import CATALOGUE, Declared, Finding, Level, check_request, check_resource, check_stack, find_rule
from batchiac.rules.check import OPERATIONS
from batchiac.rules.paths import parse_path, prefixes_of, standing_paths
from batchiac.rules.predicates import required, within
from batchiac.rules.row import Rule, judge
from batchiac.rules.shapes import INPUTS
from batchiac.rules.view import View

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent / "cases"))
subjects = importlib.import_module("subjects")
CASES: dict[str, Any] = {
    rule_id: cases
    for name in ("environment_cases", "queue_cases", "job_definition_cases")
    for rule_id, cases in importlib.import_module(name).CASES.items()
}


def row(check: Any, path: str, **more: Any) -> Rule:
    """A row for a test."""
    return Rule("XX001", "X", path, check, allowed="a", change="c", source="https://x", **more)


# --- values that are not yet known ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "inputs", "unknown"),
    [
        ("a", {"a": UNKNOWN}, "a"),
        ("a.b", {"a": UNKNOWN}, "a"),
        ("a[].b", {"a": [{"b": 1}, UNKNOWN]}, "a[1]"),
        ("a[].b", {"a": [{"b": 1}, {"b": UNKNOWN}]}, "a[1].b"),
    ],
)
def test_an_unknown_value_on_the_way_is_not_yet_known(path: str, inputs: dict[str, Any], unknown: str) -> None:
    """A row that would have to read an unknown value says so, with the path, and says nothing else."""
    judgement = judge(row(within(0, 5), path), View(inputs))
    assert judgement.verdict == "unknown"
    assert judgement.unknown == (unknown,)


def test_a_broken_value_beside_an_unknown_one_is_still_broken() -> None:
    """What is certain is said, and what is not is listed beside it."""
    judgement = judge(row(within(0, 5), "a[]"), View({"a": [UNKNOWN, 9]}))
    assert [each.path for each in judgement.broken] == ["a[1]"]
    assert judgement.unknown == ("a[0]",)


def test_a_condition_that_reads_an_unknown_value_makes_the_row_unknown() -> None:
    """Whether the row applies cannot be told, so it is neither fine nor broken."""
    rule = row(within(0, 5), "a", when=lambda view: view.text("kind") == "x")
    assert judge(rule, View({"a": 9, "kind": UNKNOWN})).verdict == "unknown"
    assert judge(rule, View({"kind": UNKNOWN})).verdict == "not applicable"


def test_a_required_value_that_is_unknown_is_not_yet_known() -> None:
    """It may turn out to be absent."""
    assert judge(row(required(), "a.b"), View({"a": {"b": UNKNOWN}})).verdict == "unknown"


def test_an_unknown_finding_never_stops_a_run() -> None:
    """It is listed, with the words that it is checked again."""
    environment = subjects.ec2({"minvCpus": UNKNOWN})
    found = [each for each in check_resource("ComputeEnvironment", environment) if each.rule_id == "CE011"]
    assert [(each.verdict, each.stops) for each in found] == [("unknown", False)]
    assert "not yet known" in found[0].message
    assert "checked again" in found[0].message


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in _leaves(each, (*path, key))] or [path]
    if isinstance(value, list):
        return [leaf for key, each in enumerate(value) for leaf in _leaves(each, (*path, key))] or [path]
    return [path]


def _hidden(value: Any, path: tuple[Any, ...]) -> Any:
    made = copy.deepcopy(value)
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = UNKNOWN
    return made


ACCEPTED = [
    (CATALOGUE[rule_id].kind, case)
    for rule_id, cases in CASES.items()
    for case in cases[0]
    if isinstance(case, dict) and not any(f.stops for f in check_resource(CATALOGUE[rule_id].kind, case))
]


@settings(max_examples=120)
@given(data=st.data())
def test_hiding_any_value_of_sound_inputs_breaks_nothing(data: st.DataObject) -> None:
    """Whatever value of sound inputs is not yet known, no rule claims that it is broken."""
    kind, case = data.draw(st.sampled_from(ACCEPTED))
    path = data.draw(st.sampled_from(_leaves(case)))
    stopping = [each for each in check_resource(kind, _hidden(case, path)) if each.stops]
    assert not stopping, (path, stopping)


@settings(max_examples=120)
@given(data=st.data())
def test_a_broken_rule_whose_value_is_hidden_is_not_silently_fine(data: st.DataObject) -> None:
    """Hiding the very value that broke a rule turns the finding into "not yet known"; it does not go away."""
    rule_id = data.draw(st.sampled_from(sorted(CASES)))
    rule = CATALOGUE[rule_id]
    case = data.draw(st.sampled_from([each for each in CASES[rule_id][1] if isinstance(each, dict)] or [{}]))
    broken = judge(rule, View(case)).broken
    places = [parse_path(each.path) for each in broken]
    for place in places:
        if place and place in _leaves(case):
            assert judge(rule, View(_hidden(case, place))).verdict in ("unknown", "broken")


# --- wrong types and hostile inputs -----------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400)
@given(data=st.data())
def test_no_input_makes_a_check_fail(data: st.DataObject) -> None:
    """Whatever JSON stands where, the answer is findings, never an exception."""
    rule_id = data.draw(st.sampled_from(sorted(CASES)))
    cases = [each for each in (*CASES[rule_id][0], *CASES[rule_id][1]) if isinstance(each, dict)] or [{"a": 1}]
    case = data.draw(st.sampled_from(cases))
    path = data.draw(st.sampled_from(_leaves(case)))
    cut = data.draw(st.integers(1, max(1, len(path))))
    place = path[:cut]
    if not place:
        return
    made = _hidden(case, place)
    spot = made
    for step in place[:-1]:
        spot = spot[step]
    spot[place[-1]] = data.draw(JSON)
    kind = CATALOGUE[rule_id].kind
    for finding in check_stack([Declared(kind, "x", made), Declared("JobQueue", "q", subjects.queue())]):
        assert isinstance(finding, Finding)


@settings(max_examples=100)
@given(inputs=st.dictionaries(st.sampled_from(["launchTemplateData", "launchTemplateName", "roles"]), JSON, max_size=3))
def test_kinds_without_shapes_take_any_json(inputs: dict[str, Any]) -> None:
    """A launch template or a role of any JSON ends in findings."""
    for kind in ("LaunchTemplate", "Role", "InstanceProfile", "PlacementGroup", "Image", "Vpc"):
        check_stack([Declared(kind, "x", inputs)])


def test_a_value_of_the_wrong_type_is_said_once() -> None:
    """The shape check says it, and no row beside it."""
    found = check_resource("ComputeEnvironment", subjects.ec2({"instanceTypes": "m5", "maxvCpus": "64"}))
    assert {(each.rule_id, each.property) for each in found if each.stops} == {
        ("SH03", "computeResources.instanceTypes"),
        ("SH03", "computeResources.maxvCpus"),
    }


# --- the speed-up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule_id", sorted(CASES))
def test_what_is_passed_over_does_not_apply(rule_id: str) -> None:
    """A row that is passed over, because nothing stands where it looks, would have said nothing."""
    for case in (case for cases in CASES[rule_id] for case in cases):
        if not isinstance(case, dict):
            continue
        present, unknown = standing_paths(case)
        for rule in CATALOGUE.values():
            if rule.kind != CATALOGUE[rule_id].kind or rule.scope == "stack" or rule.dialect == "update":
                continue
            needs = rule.stands_on
            way = {each for path in needs for each in prefixes_of(path)}
            if present.isdisjoint(needs) and unknown.isdisjoint(way):
                assert judge(rule, View(case)).verdict == "not applicable", rule.id


# --- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "rule_id", "place"),
    [
        ({"/type": None}, "SH01", "type"),
        ({"maxvCpu": 4}, "SH02", "computeResources.maxvCpu"),
        ({"maxvCpus": "4"}, "SH03", "computeResources.maxvCpus"),
        ({"maxvCpus": True}, "SH03", "computeResources.maxvCpus"),
        ({"subnets": ["subnet-0a1b2c3d", None]}, "SH03", "computeResources.subnets[1]"),
        ({"type": "EC3"}, "SH04", "computeResources.type"),
        ({"/tags": {"": "x"}}, "SH05", "tags."),
        ({"/tags": {f"k{n}": "v" for n in range(51)}}, "SH05", "tags"),
        ({"maxvCpus": 1 << 31}, "SH05", "computeResources.maxvCpus"),
    ],
)
def test_the_shapes_of_the_api_model_are_held(change: dict[str, Any], rule_id: str, place: str) -> None:
    """A missing member, an unknown one, a wrong type, a value outside its enumeration, a size out of bounds."""
    found = check_resource("ComputeEnvironment", subjects.ec2(change))
    assert (rule_id, place) in {(each.rule_id, each.property) for each in found if each.stops}


def test_an_unknown_member_is_near_to_a_known_one() -> None:
    """The message names the member that was probably meant."""
    found = check_resource("ComputeEnvironment", subjects.ec2({"maxvCpu": 4}))
    assert any(each.message.endswith("did you mean maxvCpus?") for each in found)


def test_a_request_may_hold_members_that_aws_ignores() -> None:
    """AWS leaves unknown members out, so in a request they are worth a warning."""
    found = check_request("SubmitJob", {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", "jobNme": "x"})
    assert [(each.rule_id, each.level) for each in found] == [("SH02", Level.WARNING)]


def test_every_operation_with_a_kind_is_of_the_model() -> None:
    """The kinds' operations are spelled as the model spells them."""
    for create, update in OPERATIONS.values():
        assert create in INPUTS
        assert update == "" or update in INPUTS


def test_the_shapes_are_those_of_this_botocore() -> None:
    """batchiac/rules/shapes.py is what scripts/generate_shapes.py makes of the installed model."""
    done = subprocess.run(
        [sys.executable, "scripts/generate_shapes.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# --- look-ups and the page --------------------------------------------------------------------------------------------


def test_a_rule_is_found_by_its_id_in_any_spelling() -> None:
    """`CE13` and `ce013` are the same row; an id that no row has is None."""
    assert find_rule("CE13") is find_rule("ce013") is CATALOGUE["CE013"]
    assert find_rule("ZZ999") is None
    assert find_rule("") is None


def test_importing_the_rules_reads_neither_catalogue_nor_shapes() -> None:
    """They are read at the first check, and AWS's SDK is not imported even then."""
    code = (
        "import sys, batchiac.rules as rules\n"
        "assert not any('catalogue' in name or 'shapes' in name for name in sys.modules if 'batchiac' in name)\n"
        "rules.check_resource('JobQueue', {'jobQueueName': 'q', 'priority': 1})\n"
        "assert 'botocore' not in sys.modules and 'boto3' not in sys.modules and 'pulumi' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_lists_every_rule() -> None:
    """docs/rules.md is made of the catalogue: each id stands in it once, with its source."""
    from batchiac.rules.rules_doc import render

    page = render()
    assert page.startswith("<!-- Generated")
    for rule in CATALOGUE.values():
        assert page.count(f"| {rule.id} |") == 1
        assert rule.source in page


# --- stacks -----------------------------------------------------------------------------------------------------------


def test_a_reference_is_followed_by_name_by_arn_and_by_what_the_program_says() -> None:
    """A queue's environments are found each way, so that a mixed queue is seen before anything exists."""
    fargate = Declared("ComputeEnvironment", "one", {**subjects.fargate(), "computeEnvironmentName": "f-1"})
    ec2 = Declared("ComputeEnvironment", "two", {**subjects.ec2(), "computeEnvironmentName": UNKNOWN})
    for value in ("f-1", subjects.ENVIRONMENT.format("f-1")):
        order = [{"order": 1, "computeEnvironment": value}, {"order": 2, "computeEnvironment": UNKNOWN}]
        queue = Declared(
            "JobQueue",
            "q",
            {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": order},
            {"computeEnvironmentOrder[1].computeEnvironment": "two"},
        )
        assert "ST001" in {each.rule_id for each in check_stack([fargate, ec2, queue]) if each.stops}


def test_a_reference_stands_though_its_value_is_not_yet_known() -> None:
    """What refers to a resource of the stack will be there: enough where it is required, too much where forbidden."""
    references = {"computeResources.instanceRole": "profile"}
    plain = subjects.ec2({"instanceRole": UNKNOWN})
    ids = {each.rule_id for each in check_stack([Declared("ComputeEnvironment", "e", plain, references)])}
    assert "CE026" not in ids
    fargate = subjects.fargate({"instanceRole": UNKNOWN})
    found = check_stack([Declared("ComputeEnvironment", "f", fargate, references)])
    assert "CE109" in {each.rule_id for each in found if each.stops}
    assert "CE109" not in {each.rule_id for each in check_resource("ComputeEnvironment", fargate) if each.stops}


def test_one_environment_twice_is_seen_before_its_arn_is_known() -> None:
    """Two references to one resource are the same value."""
    order = [{"order": n, "computeEnvironment": UNKNOWN} for n in (1, 2)]
    references = {f"computeEnvironmentOrder[{n}].computeEnvironment": "e" for n in (0, 1)}
    queue = Declared(
        "JobQueue", "q", {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": order}, references
    )
    environment = Declared("ComputeEnvironment", "e", subjects.ec2())
    assert "JQ007" in {each.rule_id for each in check_stack([environment, queue]) if each.stops}


def test_an_unknown_reference_that_leads_nowhere_is_not_yet_known() -> None:
    """Without knowing which environment it is, a queue cannot be said to be sound."""
    order = [{"order": 1, "computeEnvironment": UNKNOWN}, {"order": 2, "computeEnvironment": UNKNOWN}]
    queue = Declared("JobQueue", "q", {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": order})
    verdicts = {each.verdict for each in check_stack([queue]) if each.rule_id == "ST001"}
    assert verdicts == {"unknown"}


def test_a_declared_resource_may_leave_its_name_to_the_handler() -> None:
    """A stack's resource without a name gets one later; a request without one is refused."""
    environment = subjects.ec2({"/computeEnvironmentName": None})
    assert not [each for each in check_stack([Declared("ComputeEnvironment", "e", environment)]) if each.stops]
    assert [each.rule_id for each in check_request("CreateComputeEnvironment", environment) if each.stops] == ["SH01"]


def test_findings_name_the_resource_and_come_all_at_once() -> None:
    """Every broken rule of every resource is reported, under the declared name."""
    bad = subjects.ec2({"minvCpus": -1, "instanceRole": None})
    found = check_stack(
        [Declared("ComputeEnvironment", name, {**bad, "computeEnvironmentName": name}) for name in "ab"]
    )
    assert {(each.resource, each.rule_id) for each in found if each.stops} == {
        (name, rule_id) for name in "ab" for rule_id in ("CE011", "CE026")
    }


def test_our_own_keys_are_no_members_of_aws() -> None:
    """identity, region and account stand beside AWS's members, and empty tags are no tags."""
    inputs = {**subjects.ec2(), "identity": "p/s/e", "region": "us-east-1", "account": "1", "tags": {}}
    assert not [each for each in check_resource("ComputeEnvironment", inputs) if each.stops]


def test_an_update_without_the_resource_is_not_yet_known_where_it_matters() -> None:
    """A request linted on its own: what depends on the resource as it is now is listed, not guessed."""
    found = check_request("UpdateComputeEnvironment", {"computeEnvironment": "e", "computeResources": {"imageId": ""}})
    assert not [each for each in found if each.stops]
    assert any(each.verdict == "unknown" for each in found)


def test_contains_unknown_sees_every_depth() -> None:
    """The frame relies on it."""
    assert contains_unknown({"a": [{"b": UNKNOWN}]})
    assert not contains_unknown({"a": [{"b": None}]})
