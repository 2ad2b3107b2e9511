"""Faults: what they do, when, and how they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.api_error import ApiError
from batchiac.local.server.fault_kinds import KINDS
from batchiac.local.server.faults import FaultError, Faults, LostAnswerError, check_fault


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


class Told:
    """A simulation that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, Mapping[str, Any]]] = []
        self.now = 0

    def inject(self, kind: str, settings: Mapping[str, Any]) -> int | None:
        self.said.append(("inject", kind, settings))
        return 60_000 if "duration_s" in settings else None

    def lift(self, kind: str, settings: Mapping[str, Any]) -> None:
        self.said.append(("lift", kind, settings))

    def now_ms(self) -> int:
        return self.now


def test_faults_of_the_simulation_are_handed_on() -> None:
    """The engine gets kind and settings, once more when they end; without an engine they are refused."""
    told = Told()
    faults = Faults(simulation=told)
    pool = {"instance_type": "p3.2xlarge"}
    fault = faults.add("no_capacity", **pool)
    faults.add("spot_interruption", instance_id="i-1")
    assert faults.listed() == [fault]
    assert not faults.any_of_requests
    faults.clear(fault.id)
    assert [each[:2] for each in told.said] == [
        ("inject", "no_capacity"),
        ("inject", "spot_interruption"),
        ("lift", "no_capacity"),
    ]
    with pytest.raises(FaultError, match="simulation"):
        Faults().add("no_capacity", **pool)


def test_what_another_fault_says_holds_on() -> None:
    """Of two that say the same of one thing, the one that stays is said again; one whose time is over is not listed."""
    told = Told()
    faults = Faults(simulation=told)
    one = faults.add("no_capacity", instance_type="m5.large", duration_s=60)
    two = faults.add("no_capacity", instance_type="m5.large")
    faults.clear(two.id)
    assert told.said[-2:] == [
        ("lift", "no_capacity", {"instance_type": "m5.large"}),
        ("inject", "no_capacity", {"instance_type": "m5.large"}),
    ]
    assert faults.listed() == [one]
    told.now = 60_000
    assert faults.listed() == []


def test_counts_come_back() -> None:
    """What was told of a fault's strikes makes another process go on where the first one was."""

    def made(told: list[dict[str, Any]] | None) -> Faults:
        faults = Faults(seed=3, on_strike=told.append if told is not None else None)
        faults.add("throttling", probability=0.5)
        faults.add("server_error", times=4)
        return faults

    told: list[dict[str, Any]] = []
    first, second, whole = made(told), made(None), made(None)
    expected = outcomes(whole, 20)
    assert outcomes(first, 6) == expected[:6]
    for record in told:
        second.restore(record)
    assert outcomes(second, 14) == expected[6:]
    assert [each.wire() for each in second.listed()] == [each.wire() for each in whole.listed()]
    second.restore({"id": "fault-9", "struck": 1, "asked": 1, "left": None})


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
        ("throttling", {"service": "batch", "operation": "SubmitJobs"}, "SubmitJob"),
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


def test_every_kind_and_setting_is_documented() -> None:
    """docs/faults.md names them all."""
    page = (Path(__file__).parents[3] / "docs" / "faults.md").read_text("utf-8")
    for name, kind in KINDS.items():
        assert f"| `{name}` |" in page
        for setting in (*kind.required, *kind.optional):
            assert f"`{setting}`" in page
