"""The snapshot: what it holds, what it costs nothing to ignore, and how a difference is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchiac.engine.effects import EnvironmentStatusChanged, InstanceChanged, JobStateChanged
from batchiac.errors import StateError
from batchiac.local.server import snapshot
from batchiac.testing import local_stack

RESOURCES = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}


def described(seed: int = 7, jobs: int = 2) -> dict[str, Any]:
    """What the snapshot says of a place where this happened."""
    with local_stack(projections=False, seed=seed) as stack:
        tally = snapshot.Tally(stack.backend())
        batch = stack.direct()
        batch.create_compute_environment(computeEnvironmentName="e", type="UNMANAGED", serviceRole="role")
        stack.clock.run_until_idle()
        order = [{"order": 1, "computeEnvironment": "e"}]
        batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order, tags={"a": "b"})
        stack.clock.run_until_idle()
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
        container = {"image": "busybox", "command": ["sleep", "20"], "resourceRequirements": needs}
        batch.register_job_definition(jobDefinitionName="d", type="container", containerProperties=container)
        batch.create_consumable_resource(consumableResourceName="licence", totalQuantity=3)
        for _ in range(jobs):
            batch.submit_job(jobName="over", jobQueue="q", jobDefinition="d")
        stack.clock.run_until_idle()
        batch.submit_job(jobName="waits", jobQueue="q", jobDefinition="d")
        place: dict[str, Any] = snapshot.describe([tally])["123456789012/us-east-1"]
        return place


def test_it_holds_what_there_is_readably() -> None:
    """Environments, queues, definitions, consumables, counts, what has not ended, digests of what has."""
    place = described()
    assert (place["computeEnvironments"]["e"]["status"], place["jobQueues"]["q"]["tags"]) == ("VALID", {"a": "b"})
    assert place["jobDefinitions"]["d:1"]["containerProperties"]["image"] == "busybox"
    assert (place["consumableResources"]["licence"]["total"], place["consumableResources"]["licence"]["inUse"]) == (
        3,
        0,
    )
    assert place["jobs"]["counts"] == {"q": {"SUBMITTED": 1, "SUCCEEDED": 2}}
    assert [each[:2] for each in place["jobs"]["unfinished"].values()] == [["q", "waits"]]
    assert place["jobs"]["ended"]["count"] == 2
    assert json.loads(json.dumps(place, default=str)) == place


def test_the_same_history_is_the_same_snapshot_and_another_one_differs() -> None:
    """To the letter; a difference names the first thing that differs, not a digest."""
    first = described()
    assert snapshot.differences({"p": first}, {"p": described()}) == []
    found = snapshot.differences({"p": first}, {"p": described(jobs=3)})
    assert "p jobs counts q SUCCEEDED was 2 and is 3" in found
    assert not any("digest" in each for each in found)


def test_a_difference_in_history_alone_is_seen() -> None:
    """The same counts by another way: the digest of changes tells."""
    first, second = described(), described()
    second["changes"]["digest"] += 1
    (found,) = snapshot.differences({"p": first}, {"p": second})
    assert "changes digest" in found


def test_the_digest_does_not_depend_on_the_order_within_a_moment() -> None:
    """Nor on what another version tells beside."""

    class Batch:
        class engine:  # noqa: N801  named as the backend names it
            @staticmethod
            def subscribe(listener: Any) -> None:
                pass

    effects = [
        JobStateChanged(1, "a", "q", "RUNNING", "SUCCEEDED"),
        InstanceChanged(1, "i-1", "e", "m5.large", "READY", spot=False, group="g"),
        EnvironmentStatusChanged(1, "e", "CREATING", "VALID", "why"),
    ]
    tallies = []
    for order in (effects, effects[::-1]):
        tally = snapshot.Tally(Batch)
        for effect in order:
            tally._see(effect)
        tallies.append((tally.changes, tally.changes_digest, tally.ended, tally.ended_digest))
    assert tallies[0] == tallies[1]
    assert tallies[0][0] == 3


def test_long_lists_are_cut_and_still_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not written out is in a count and a digest."""
    monkeypatch.setattr(snapshot, "MOST", 2)
    shown = snapshot._list({str(number): number for number in range(4)})
    assert list(shown) == ["0", "1", "and more"]
    other = snapshot._list({"0": 0, "1": 1, "2": 2, "3": 99})
    assert snapshot.differences(shown, other)


def test_a_sentence_names_versions_and_what_to_compare() -> None:
    """At most three differences, and how many more there are."""
    said = snapshot.say([f"thing {number} was 1 and is 2" for number in range(5)], {"batchiac": "0.0.9"})
    assert "batchiac 0.0.9 (now " in said
    assert "thing 2" in said
    assert "thing 3" not in said
    assert said.endswith("and 2 more")
    assert "these very versions" in snapshot.say(["a"], snapshot.versions())


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_broken_snapshot_is_refused(tmp_path: Path, text: str) -> None:
    """None is no error: there need not be one yet."""
    assert snapshot.read(tmp_path) is None
    (tmp_path / snapshot.NAME).write_text(text)
    with pytest.raises(StateError, match="delete it to go without"):
        snapshot.read(tmp_path)


def test_it_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Nothing else is left in the folder."""
    for number in range(2):
        snapshot.write(tmp_path, {"number": number})
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text("utf-8")) == {"number": 1}
    assert path.stat().st_mode & 0o077 == 0
