"""Faults: what they do, when, and how they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.api_error import ApiError
from batchiac.local.server.faults import KINDS, FaultError, Faults, LostAnswerError, check_fault


def outcomes(faults: Faults, calls: int, operation: str = "SubmitJob") -> list[str]:
    found = []
    for _ in range(calls):
        try:
            faults.before("batch", operation)
            faults.after("batch", operation)
            found.append("ok")
        except ApiError as error:
            found.append(error.code)
        except LostAnswerError:
            found.append("lost")
    return found


def test_a_fault_strikes_as_often_as_asked_and_where_asked() -> None:
    """Two throttled SubmitJobs, and nothing else touched."""
    faults = Faults()
    faults.add("throttling", service="batch", operation="SubmitJob", times=2)
    assert outcomes(faults, 2, "DescribeJobs") == ["ok", "ok"]
    assert outcomes(faults, 3) == ["TooManyRequestsException", "TooManyRequestsException", "ok"]
    assert faults.listed() == []


def test_the_same_seed_meets_the_same_faults() -> None:
    """A probability is decided by the seed."""
    runs = []
    for seed in (1, 1, 2):
        faults = Faults(seed)
        faults.add("server_error", probability=0.5)
        runs.append(outcomes(faults, 40))
    assert runs[0] == runs[1] != runs[2]
    assert {"ok", "ServerException"} == set(runs[0])


def test_a_slow_answer_waits() -> None:
    """As long as asked, before the effect."""
    waited: list[float] = []
    faults = Faults(sleep=waited.append)
    faults.add("slow", delay_s=1.5, times=1)
    assert outcomes(faults, 2) == ["ok", "ok"]
    assert waited == [1.5]


def test_a_lost_answer_comes_after_the_effect() -> None:
    """`before` lets the request through."""
    faults = Faults()
    faults.add("lost_answer", times=1)
    faults.before("batch", "SubmitJob")
    with pytest.raises(LostAnswerError):
        faults.after("batch", "SubmitJob")


def test_a_fault_is_taken_out_of_force() -> None:
    """One by its id, or all."""
    faults = Faults()
    one, two = faults.add("throttling"), faults.add("slow", delay_s=1)
    faults.clear(one.id)
    assert faults.listed() == [two]
    faults.clear()
    assert faults.listed() == []
    with pytest.raises(FaultError, match="fault-1"):
        faults.clear(one.id)


def test_faults_of_the_simulation_are_handed_on() -> None:
    """The engine gets kind and settings; without one they are refused."""
    given: list[tuple[str, Mapping[str, Any]]] = []
    faults = Faults(inject=lambda kind, settings: given.append((kind, settings)))
    faults.add("no_capacity", instance_type="p3.2xlarge")
    assert given == [("no_capacity", {"instance_type": "p3.2xlarge"})]
    assert faults.listed() == []
    with pytest.raises(FaultError, match="simulation"):
        Faults().add("no_capacity", instance_type="p3.2xlarge")


@pytest.mark.parametrize(
    ("kind", "settings", "names"),
    [
        ("thunder", {}, "throttling"),
        ("throttling", {"speed": 1}, "known are service"),
        ("throttling", {"times": 0}, "times"),
        ("throttling", {"times": 1.5}, "times"),
        ("throttling", {"times": True}, "times"),
        ("throttling", {"probability": 1.1}, "probability"),
        ("throttling", {"probability": -1}, "probability"),
        ("throttling", {"service": 3}, "service"),
        ("slow", {}, "delay_s"),
        ("slow", {"delay_s": 61}, "delay_s"),
        ("server_error", {"status": 404}, "status"),
        ("invalid_environment", {}, "compute_environment"),
        ("no_capacity", {"instance_type": "m5.large", "market": "BLACK"}, "market"),
    ],
)
def test_what_no_fault_can_be_is_refused(kind: str, settings: dict[str, Any], names: str) -> None:
    """Each mistake is named, with what is allowed."""
    with pytest.raises(FaultError, match=names):
        check_fault(kind, settings)


def test_every_kind_can_be_asked_for() -> None:
    """With its required settings alone."""
    example = {"delay_s": 1, "lag_s": 1, "compute_environment": "e", "instance_type": "m5.large"}
    for name, kind in KINDS.items():
        check_fault(name, {key: example[key] for key in kind.required})


def test_faults_reach_any_service_over_http(front: Any) -> None:
    """EC2's throttling has EC2's code; the control path lists the fault and takes it away."""
    import http.client
    import json

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(front.address.removeprefix("http://"), timeout=10)
        connection.request(method, path, json.dumps(body) if body is not None else None)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    status, fault = ask("POST", "/_batchiac/faults", {"kind": "throttling", "service": "ec2"})
    assert (status, fault["kind"]) == (200, "throttling")
    with pytest.raises(ClientError) as caught:
        front.client("ec2").describe_vpcs()
    assert caught.value.response["Error"]["Code"] == "RequestLimitExceeded"
    front.client("batch").describe_job_queues()
    assert ask("GET", "/_batchiac/faults")[1]["faults"][0]["struck"] == 1
    assert ask("DELETE", f"/_batchiac/faults/{fault['id']}") == (200, {"faults": []})
    front.client("ec2").describe_vpcs()
    assert ask("POST", "/_batchiac/faults", {"kind": "thunder"})[0] == 400
    assert ask("POST", "/_batchiac/faults", {})[0] == 400
