"""Pulumi's adapter: values in and out, and where it acts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.output import Unknown

from batchiac.errors import ConfigError, RefusedError
from batchiac.model.unknown import UNKNOWN
from batchiac.provider import dynamic, pulumi_state
from batchiac.provider.dynamic import SECRET_KEY, SECRET_SIGNATURE, UNKNOWN_TEXT, from_pulumi, to_pulumi

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_goes_out_comes_back(value: Any) -> None:
    """Through Pulumi's wire, where integers become floats, every value comes back, UNKNOWN at any depth too."""
    if value == UNKNOWN_TEXT:
        return

    def on_the_wire(each: Any) -> Any:
        if isinstance(each, dict):
            return {key: on_the_wire(inner) for key, inner in each.items()}
        if isinstance(each, list):
            return [on_the_wire(inner) for inner in each]
        return float(each) if isinstance(each, int) and not isinstance(each, bool) else each

    assert from_pulumi(on_the_wire(to_pulumi(value))) == value


def test_every_form_of_unknown_and_secret_is_understood() -> None:
    """Pulumi's own object, its sentinel, a secret's wrapping; `__provider` is left out."""
    secret = {SECRET_KEY: SECRET_SIGNATURE, "value": {"deep": 3.0}}
    value = {"a": Unknown(), "b": [UNKNOWN_TEXT, 1.5, 2.0, True], "c": secret, "__provider": "gAS"}
    assert from_pulumi(value) == {"a": UNKNOWN, "b": [UNKNOWN, 1.5, 2, True], "c": {"deep": 3}}


def provider(kind: str, **config: Any) -> Any:
    made = getattr(dynamic, f"{kind}Provider")()
    values = {f"batchiac:{key}": value for key, value in config.items()}
    made.configure(ConfigureRequest(Config(raw_config=values, project_name="p")))
    return made


def test_the_stack_s_config_says_where_it_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same keys and the same refusals as the embedded engine's."""
    with pytest.raises(ConfigError, match="batchiac:target is nothing"):
        provider("Vpc", region="us-east-1")
    local = provider("Vpc", target="local", region="us-east-1")
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL"):
        local.create({"identity": "p/s/n", "region": "us-east-1", "cidrBlock": "10.0.0.0/16"})


def test_check_and_diff_speak_pulumi() -> None:
    """Failures with their property; changes and what replaces; a wrong region without its causes."""
    queue = provider("JobQueue", target="local", region="us-east-1")
    order = [{"order": 1.0, "computeEnvironment": "one"}]
    news = {"identity": "p/s/n", "priority": 1.0, "computeEnvironmentOrder": order, "__provider": "x"}
    checked = queue.check({}, news)
    assert checked.failures == []
    assert checked.inputs["priority"] == 1
    assert "__provider" not in checked.inputs
    wrong = queue.check({}, {**news, "priority": -1.0})
    assert [each.property for each in wrong.failures] == ["priority"]
    state = {**checked.inputs, "__provider": "x"}
    assert queue.diff("id", state, checked.inputs).changes is False
    changed = queue.diff("id", state, {**checked.inputs, "priority": 2.0})
    assert (changed.changes, changed.replaces, changed.delete_before_replace) == (True, [], False)
    with pytest.raises(RefusedError, match="lives in region eu-west-1") as caught:
        queue.read("id", {**state, "region": "eu-west-1"})
    assert caught.value.__cause__ is None


def test_what_replaces_gets_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked with its olds and then without; or, under --replace, without only: then the stack's file knows."""
    monkeypatch.setattr(pulumi_state, "_read", pulumi_state._read.__wrapped__)
    monkeypatch.chdir(tmp_path)
    group = provider("PlacementGroup", target="local", region="us-east-1")
    news = {"identity": "p/s/PlacementGroup/n", "strategy": "cluster", "__provider": "x"}
    first = group.check({}, news).inputs
    assert group.check(first, {**news, "strategy": "spread"}).inputs["groupName"] == first["groupName"]
    second = group.check({}, {**news, "strategy": "spread"}).inputs
    assert second["groupName"] != first["groupName"]

    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\nbackend: {url: 'file://./.state'}\n")
    stacks = tmp_path / ".state/.pulumi/stacks/p"
    stacks.mkdir(parents=True)
    kind = "pulumi-python:dynamic/batch:PlacementGroup"
    latest: dict[str, Any] = {"resources": [{"type": kind, "inputs": first}]}
    (stacks / "s.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    (tmp_path / "infra").mkdir()
    monkeypatch.chdir(tmp_path / "infra")
    forced = provider("PlacementGroup", target="local", region="us-east-1")
    assert forced.check({}, news).inputs["groupName"] == second["groupName"]
    assert not pulumi_state.was_creating(kind, news["identity"])

    latest["pending_operations"] = [{"type": "creating", "resource": {"type": kind, "inputs": first}}]
    latest["resources"] = []
    (stacks / "s.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    again = provider("PlacementGroup", target="local", region="us-east-1")
    assert again.check({}, news).inputs == first
    assert pulumi_state.was_creating(kind, news["identity"])
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")
    assert not pulumi_state.was_creating(kind, news["identity"])


def test_a_check_knows_the_stack_s_other_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two subnets that cannot both be: the file backend's state says what stands; another backend is not looked at."""
    monkeypatch.setattr(pulumi_state, "_read", pulumi_state._read.__wrapped__)
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\nbackend: {url: 'file://./.state'}\n")
    stacks = tmp_path / ".state/.pulumi/stacks/p"
    stacks.mkdir(parents=True)
    kind = "pulumi-python:dynamic/batch:Subnet"
    stands = {"identity": "p/s/one", "vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20", "subnetId": "subnet-1"}
    latest: dict[str, Any] = {"resources": [{"type": kind, "inputs": stands, "outputs": stands}]}
    (stacks / "s.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    monkeypatch.chdir(tmp_path)
    subnet = provider("Subnet", target="local", region="us-east-1")
    news = {"identity": "p/s/other", "vpcId": "vpc-1", "cidrBlock": "10.0.8.0/24", "__provider": "x"}
    (failure,) = subnet.check({}, news).failures
    assert failure.property == "cidrBlock"
    assert "overlaps 10.0.0.0/20 of subnet one" in failure.reason
    assert subnet.check({}, {**news, "identity": "p/s/one"}).failures == []
    latest["resources"][0]["delete"] = True
    (stacks / "s.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    assert subnet.check({}, news).failures == []
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")
    latest["resources"][0]["delete"] = False
    (stacks / "s.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    assert subnet.check({}, news).failures == []
