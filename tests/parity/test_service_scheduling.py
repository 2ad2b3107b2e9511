"""Service jobs' capacity, retries, preemption and blocked queues. No SageMaker is simulated. With address and date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.engine.settings import EngineSettings, ServiceSettings
from batchiac.testing import TestStack, local_stack

KIND = "ml.m5.xlarge"


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack() as running:
        yield running


class Training:
    """A service environment `se` and a queue `q` on it, and short words for what tests do."""

    def __init__(
        self,
        stack: TestStack,
        *,
        limit: int = 4,
        unit: str = "NUM_INSTANCES",
        actions: list[dict[str, Any]] | None = None,
        fairshare: dict[str, Any] | None = None,
        shares: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.stack = stack
        self.batch = stack.client("batch")
        self.events = watch(stack)
        more: dict[str, Any] = {"jobStateTimeLimitActions": actions or []}
        if shares is not None:
            policy = self.batch.create_scheduling_policy(
                name="quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"}
            )
            more["schedulingPolicyArn"] = policy["arn"]
        if fairshare is not None:
            policy = self.batch.create_scheduling_policy(name="fair", fairsharePolicy=fairshare)
            more["schedulingPolicyArn"] = policy["arn"]
        self.batch.create_service_environment(
            serviceEnvironmentName="se",
            serviceEnvironmentType="SAGEMAKER_TRAINING",
            capacityLimits=[{"maxCapacity": limit, "capacityUnit": unit}],
        )
        stack.clock.run_until_idle()
        self.batch.create_job_queue(
            jobQueueName="q",
            jobQueueType="SAGEMAKER_TRAINING",
            priority=1,
            serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "se"}],
            **more,
        )
        stack.clock.run_until_idle()
        for name, share in (shares or {}).items():
            self.batch.create_quota_share(
                quotaShareName=name,
                jobQueue="q",
                capacityLimits=[{"maxCapacity": share["limit"], "capacityUnit": KIND}],
                resourceSharingConfiguration={key: share[key] for key in ("strategy", "borrowLimit") if key in share}
                or {"strategy": "RESERVE"},
                preemptionConfiguration={"inSharePreemption": share.get("inShare", "DISABLED")},
            )
        stack.clock.run_until_idle()

    def submit(self, name: str = "train", *, count: int = 1, **more: Any) -> str:
        payload = {"ResourceConfig": {"InstanceType": KIND, "InstanceCount": count}}
        submitted = self.batch.submit_service_job(
            jobName=name,
            jobQueue="q",
            serviceJobType="SAGEMAKER_TRAINING",
            serviceRequestPayload=json.dumps(payload),
            **more,
        )
        return str(submitted["jobId"])

    def view(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.batch.describe_service_job(jobId=job)
        return found

    def status(self, job: str) -> str:
        return str(self.view(job)["status"])

    def wait(self, seconds: float) -> None:
        self.stack.clock.advance(seconds)

    def until(self, job: str, status: str) -> None:
        """Let time pass until a job has a state."""
        for _ in range(2_000):  # no state lasts less than 3 s
            if self.status(job) == status:
                return
            self.wait(3)
        raise AssertionError(f"{job} is {self.view(job)}, never {status}")

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events() if event["detail-type"] == kind]


def watch(stack: TestStack) -> Any:
    """A rule that matches all of Batch's events, and what has arrived so far."""
    events, sqs = stack.client("events"), stack.client("sqs")
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.batch"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "seen", "Arn": arn}])
    seen: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        while True:
            found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            if not found:
                return seen
            for message in found:
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    return read


# --- states and capacity ---------------------------------------------------------------------------------------------


def test_jobs_over_the_environments_capacity_wait_their_turn(stack: TestStack) -> None:
    """RUNNABLE jobs "are started as soon as sufficient resources are available in the service environment", in order.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-status.html, read 2026-11-21.
    """
    training = Training(stack)
    jobs = [training.submit(count=3), training.submit(count=2), training.submit(count=1)]
    training.wait(40)
    assert [training.status(job) for job in jobs] == ["RUNNING", "RUNNABLE", "RUNNABLE"]  # the head blocks the last
    stack.clock.run_until_idle()
    starts = [training.view(job)["scheduledAt"] for job in jobs]
    assert starts[0] < starts[1] <= starts[2]
    assert [training.status(job) for job in jobs] == ["SUCCEEDED"] * 3
    assert training.view(jobs[1])["capacityUsage"] == [{"capacityUnit": "NUM_INSTANCES", "quantity": 2.0}]


def test_the_states_are_sagemakers_pending_downloading_and_training(stack: TestStack) -> None:
    """SCHEDULED has a training job and no startedAt; STARTING still none; RUNNING has it.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-status.html, read 2026-11-21.
    """
    training = Training(stack)
    job = training.submit()
    for status, started in (("SCHEDULED", False), ("STARTING", False), ("RUNNING", True), ("SUCCEEDED", True)):
        training.until(job, status)
        view = training.view(job)
        assert (bool(view["startedAt"]), len(view["attempts"])) == (started, 1)


def test_a_capacity_failure_goes_back_to_runnable_and_uses_no_attempt(stack: TestStack) -> None:
    """ "These capacity-based retries don't consume your configured retry attempts"; the latest failed one is retained.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-retries.html,
    https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_capacity.html, read 2026-11-21.
    """
    training = Training(stack)
    job = training.submit(tags={"batchiac:failures": "CapacityError:CapacityError:none"})
    training.until(job, "SCHEDULED")
    training.until(job, "RUNNABLE")
    view = training.view(job)
    assert view["statusReason"] == (
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Unable to provision requested compute resources"
    )
    assert [each["statusReason"] for each in view["attempts"]] == ["Received status from SageMaker: CapacityError"]
    stack.clock.run_until_idle()
    view = training.view(job)
    assert (view["status"], len(view["attempts"])) == ("SUCCEEDED", 1)
    blocked = training.told("Batch Service Job Queue Blocked")
    assert [event["detail"]["statusReason"].partition(" - ")[0] for event in blocked] == [
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    ] * 2


def test_other_failures_are_retried_up_to_the_attempts(stack: TestStack) -> None:
    """`attempts` is "the total number of times the job can be placed in the RUNNABLE state, including the initial".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-retries.html, read 2026-11-21.
    """
    training = Training(stack)
    tags = {"batchiac:failures": "InternalServerError:InternalServerError:none"}
    two = training.submit(retryStrategy={"attempts": 2}, tags=tags)
    three = training.submit(retryStrategy={"attempts": 3}, tags=tags)
    stack.clock.run_until_idle()
    assert [(training.status(job), len(training.view(job)["attempts"])) for job in (two, three)] == [
        ("FAILED", 2), ("SUCCEEDED", 3),
    ]  # fmt: skip
    assert training.view(two)["statusReason"] == "Received status from SageMaker: InternalServerError"


@pytest.mark.parametrize(
    ("pattern", "failure", "status"),
    [
        ("Received status from SageMaker: ValidationException*", "ValidationException", "FAILED"),
        ("Received status from SageMaker: ValidationException*", "InternalServerError", "SUCCEEDED"),
        ("*CapacityError*", "CapacityError", "FAILED"),
        ("CapacityError*", "CapacityError", "SUCCEEDED"),
        ("*", "ResourceLimitExceeded", "FAILED"),
    ],
)
def test_a_pattern_of_a_service_job_may_begin_with_a_star(
    stack: TestStack, pattern: str, failure: str, status: str
) -> None:
    """EXIT for what the pattern matches; `*CapacityError*` is one of AWS's own examples.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-retries.html, read 2026-11-21; that a rule
    may end a job at a capacity failure: decision 0113.
    """
    training = Training(stack)
    job = training.submit(
        retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onStatusReason": pattern}]},
        tags={"batchiac:failures": f"{failure}:none"},
    )
    stack.clock.run_until_idle()
    assert training.status(job) == status


def test_a_service_job_times_out(stack: TestStack) -> None:
    """ "After this time is reached, Batch terminates the service job attempt."

    Source: botocore 1.44.5, batch ServiceJobTimeout.attemptDurationSeconds, read 2026-11-21.
    """
    training = Training(stack)
    job = training.submit(timeoutConfig={"attemptDurationSeconds": 60}, tags={"batchiac:duration": "600"})
    stack.clock.run_until_idle()
    view = training.view(job)
    assert (view["status"], view["stoppedAt"] - view["startedAt"]) == ("FAILED", 60_000)


def test_a_fair_share_queue_looks_at_the_share_with_least(stack: TestStack) -> None:
    """Two shares take turns although all of one's jobs came first.

    Source: botocore 1.44.5, batch SubmitServiceJobRequest.shareIdentifier, read 2026-11-21.
    """
    training = Training(stack, limit=2, fairshare={"shareDistribution": [{"shareIdentifier": "a"}]})
    with pytest.raises(ClientError, match="shareIdentifier is required"):
        training.submit()
    early = [training.submit(shareIdentifier="a") for _ in range(3)]
    late = training.submit(shareIdentifier="b")
    training.wait(30)
    assert [training.status(job) != "RUNNABLE" for job in (*early, late)] == [True, False, False, True]


def test_jobs_of_a_deleted_service_queue_fail(stack: TestStack) -> None:
    """As those of any queue.

    Source: botocore 1.44.5, batch DeleteJobQueue ("All jobs in the queue are eventually terminated"), read 2026-11-21.
    """
    training = Training(stack)
    job = training.submit()
    training.until(job, "RUNNING")
    training.batch.update_job_queue(jobQueue="q", state="DISABLED")
    training.wait(5)
    training.batch.delete_job_queue(jobQueue="q")
    view = training.view(job)
    assert (view["status"], view["statusReason"]) == ("FAILED", "JobQueue deleted")


# --- blocked ---------------------------------------------------------------------------------------------------------


def test_more_than_the_service_environment_has_blocks_the_queue(stack: TestStack) -> None:
    """The reason in AWS's text, the event, and TERMINATE after maxTimeSeconds.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_misconfiguration.html,
    https://docs.aws.amazon.com/batch/latest/userguide/batch-service-job-queue-blocked-events.html, read 2026-11-21.
    """
    reason = "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE"
    actions = [{"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "TERMINATE"}]
    training = Training(stack, actions=actions)
    blocked = training.submit(count=5, timeoutConfig={"attemptDurationSeconds": 60}, tags={"team": "x"})
    behind = training.submit()
    training.wait(300)
    text = (
        f"{reason} - Service environment(s) associated with the job queue cannot meet the capacity requirement of the"
        " job."
    )
    assert (training.status(blocked), training.view(blocked)["statusReason"]) == ("RUNNABLE", text)
    assert training.status(behind) == "RUNNABLE"
    (event,) = training.told("Batch Service Job Queue Blocked")
    assert event["source"] == "aws.batch"
    assert event["resources"] == [training.view(blocked)["jobArn"]]
    detail = event["detail"]
    assert {key: detail[key] for key in ("status", "statusReason", "attempts", "jobName", "serviceJobType")} == {
        "status": "RUNNABLE", "statusReason": text, "attempts": [], "jobName": "train",
        "serviceJobType": "SAGEMAKER_TRAINING",
    }  # fmt: skip
    assert {"createdAt", "jobArn", "jobId", "jobQueue", "timeoutConfig"} <= set(detail)
    assert not {"tags", "serviceRequestPayload"} & set(detail)
    training.wait(400)
    view = training.view(blocked)
    assert (view["status"], view["statusReason"]) == (
        "FAILED",
        f"Terminated by JobStateTimeLimit action due to reason: {reason}",
    )
    stack.clock.run_until_idle()
    assert training.status(behind) == "SUCCEEDED"


def test_time_spent_scheduled_counts_for_the_capacity_time_limit() -> None:
    """ "The time … spent in SCHEDULED between job submission and failure accumulates … for comparison".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_capacity.html, read 2026-11-21.
    """
    reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    actions = [{"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "TERMINATE"}]
    settings = EngineSettings(service=ServiceSettings(pending_ms=150_000))
    with local_stack(settings=settings) as stack:
        training = Training(stack, actions=actions)
        job = training.submit(
            tags={"batchiac:failures": "CapacityError:CapacityError:CapacityError:CapacityError:none"}
        )
        training.wait(600)
        assert training.status(job) in ("SCHEDULED", "RUNNABLE")
        stack.clock.run_until_idle()
        view = training.view(job)
    assert (view["status"], view["statusReason"]) == (
        "FAILED",
        f"Terminated by JobStateTimeLimit action due to reason: {reason}",
    )


@pytest.mark.parametrize(
    ("strategy", "borrow", "count", "text"),
    [
        ("RESERVE", -1, 5, "Job requirements exceed quota share capacity limits."),
        ("LEND", -1, 5, "Job requirements exceed quota share capacity limits."),
        ("LEND_AND_BORROW", 100, 9, "Job requirements exceed quota share capacity limits and borrow limits."),
        ("LEND_AND_BORROW", 200, 10, "Job requires borrowing that exceeds all configured borrowable capacity."),
    ],
)
def test_more_than_a_quota_share_can_have_blocks_it(
    stack: TestStack, strategy: str, borrow: int, count: int, text: str
) -> None:
    """The three documented conditions: own limits, own and borrow limits, all that others could lend.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_misconfiguration.html,
    read 2026-11-21.
    """
    mine: dict[str, Any] = {"limit": 4, "strategy": strategy}
    if strategy == "LEND_AND_BORROW":
        mine["borrowLimit"] = borrow
    training = Training(stack, limit=20, unit=KIND, shares={"a": mine, "b": {"limit": 4, "strategy": "LEND"}})
    job = training.submit(count=count, quotaShareName="a")
    other = training.submit(quotaShareName="b")
    training.wait(20)
    view = training.view(job)
    assert (view["status"], view["statusReason"]) == (
        "RUNNABLE",
        f"MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED - {text}",
    )
    stack.clock.run_until_idle()
    assert training.status(other) == "SUCCEEDED"  # a share is a queue of its own


# --- preemption ------------------------------------------------------------------------------------------------------

LENDERS = {
    "a": {"limit": 2, "strategy": "LEND_AND_BORROW"},
    "b": {"limit": 2, "strategy": "LEND_AND_BORROW"},
}


def test_cross_share_preemption_restores_lent_capacity(stack: TestStack) -> None:
    """A borrower is stopped when the lender's jobs arrive, and queued again; both events, and the job's summary.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/preemption.html,
    https://docs.aws.amazon.com/batch/latest/userguide/batch-service-job-preemption-events.html, read 2026-11-21.
    """
    training = Training(stack, limit=4, unit=KIND, shares=LENDERS)
    borrowers = [training.submit(quotaShareName="a", tags={"batchiac:duration": "3600"}) for _ in range(4)]
    for job in borrowers:
        training.until(job, "RUNNING")
    owner = training.submit(count=2, quotaShareName="b", tags={"batchiac:duration": "60"})
    training.until(owner, "SCHEDULED")
    states = [training.status(job) for job in borrowers]
    assert (states.count("RUNNING"), states.count("RUNNABLE")) == (2, 2)
    stopped = training.view(borrowers[states.index("RUNNABLE")])
    assert stopped["attempts"] == []
    summary = stopped["preemptionSummary"]
    assert summary["preemptedAttemptCount"] == 1
    (attempt,) = summary["recentPreemptedAttempts"]
    assert attempt["statusReason"] == "Cross-share preemption triggered to reclaim borrowed capacity"
    assert attempt["startedAt"] < attempt["stoppedAt"]
    started = training.told("Batch Service Job Preemption Started")
    assert [event["detail"]["status"] for event in started] == ["RUNNING", "RUNNING"]
    assert {event["detail"]["statusReason"] for event in started} == {
        "PREEMPTION_IN_PROGRESS: Cross-share preemption triggered to reclaim borrowed capacity"
    }
    completed = training.told("Batch Service Job Preemption Completed")
    event = next(each for each in completed if each["resources"] == [stopped["jobArn"]])
    assert event["detail"] == {
        "preemptedJobArn": stopped["jobArn"], "status": "RUNNABLE", "preemptionSummary": summary,
    }  # fmt: skip
    stack.clock.run_until_idle()
    assert {training.status(job) for job in (*borrowers, owner)} == {"SUCCEEDED"}


@pytest.mark.parametrize(
    ("allowed", "preemptions", "status"), [(None, 3, "SUCCEEDED"), (0, 1, "FAILED"), (1, 2, "FAILED")]
)
def test_a_preempted_job_is_queued_again_without_limit_unless_it_has_one(
    stack: TestStack, allowed: int | None, preemptions: int, status: str
) -> None:
    """ "When preemptionRetriesBeforeTermination is set to 0, jobs go to FAILED on their first preemption."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/preemption.html, read 2026-11-21.
    """
    training = Training(stack, limit=4, unit=KIND, shares=LENDERS)
    more = {} if allowed is None else {"preemptionConfiguration": {"preemptionRetriesBeforeTermination": allowed}}
    borrower = training.submit(count=3, quotaShareName="a", tags={"batchiac:duration": "600"}, **more)
    for number in range(preemptions):
        training.until(borrower, "RUNNING")
        owner = training.submit(f"owner{number}", count=2, quotaShareName="b", tags={"batchiac:duration": "60"})
        training.until(owner, "SUCCEEDED")
    stack.clock.run_until_idle()
    view = training.view(borrower)
    assert (view["status"], view["preemptionSummary"]["preemptedAttemptCount"]) == (status, preemptions)
    assert len(view["attempts"]) == (status == "SUCCEEDED")


def test_in_share_preemption_is_for_higher_priorities_where_it_is_enabled(stack: TestStack) -> None:
    """ "allows higher priority RUNNABLE jobs to trigger preemptions of lower priority jobs" in their own share.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/preemption.html, read 2026-11-21.
    """
    shares = {"a": {"limit": 2, "inShare": "ENABLED"}, "b": {"limit": 2}}
    training = Training(stack, limit=4, unit=KIND, shares=shares)
    low = {share: training.submit(count=2, quotaShareName=share, tags={"batchiac:duration": "3600"}) for share in "ab"}
    for job in low.values():
        training.until(job, "RUNNING")
    high = {share: training.submit(count=2, quotaShareName=share, schedulingPriority=5) for share in "ab"}
    training.until(high["a"], "RUNNING")
    assert training.status(low["a"]) == "RUNNABLE"
    assert (training.status(low["b"]), training.status(high["b"])) == ("RUNNING", "RUNNABLE")


def test_a_share_whose_limits_were_lowered_gives_back(stack: TestStack) -> None:
    """ "Administrators lowering a quota share's capacity limits can also make … jobs … eligible for preemption".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/quota-shares.html,
    https://docs.aws.amazon.com/batch/latest/userguide/preemption.html, read 2026-11-21.
    """
    training = Training(stack, limit=4, unit=KIND, shares={"a": {"limit": 4}, "b": {"limit": 2}})
    jobs = [training.submit(quotaShareName="a", tags={"batchiac:duration": "3600"}) for _ in range(4)]
    for job in jobs:
        training.until(job, "RUNNING")
    shares = training.batch.list_quota_shares(jobQueue="q")["quotaShares"]
    arn = next(share["quotaShareArn"] for share in shares if share["quotaShareName"] == "a")
    training.batch.update_quota_share(quotaShareArn=arn, capacityLimits=[{"maxCapacity": 2, "capacityUnit": KIND}])
    training.wait(60)
    assert [training.status(job) for job in jobs] == ["RUNNING"] * 4  # eligible, and nobody needs the place
    other = training.submit(quotaShareName="b", count=2)
    training.until(other, "RUNNING")
    assert [training.status(job) for job in jobs].count("RUNNABLE") == 2


def test_the_jobs_of_a_share_end_with_it(stack: TestStack) -> None:
    """ "You must first disable submissions for the share … All jobs in the share are eventually terminated".

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteQuotaShare.html, read 2026-12-01.
    """
    training = Training(stack, limit=2, unit=KIND, shares={"a": {"limit": 1}, "b": {"limit": 1}})
    jobs = {share: [training.submit(quotaShareName=share) for _ in range(2)] for share in "ab"}
    training.until(jobs["a"][0], "RUNNING")
    shares = training.batch.list_quota_shares(jobQueue="q")["quotaShares"]
    arn = next(share["quotaShareArn"] for share in shares if share["quotaShareName"] == "a")
    assert arn == "arn:aws:batch:us-east-1:123456789012:job-queue/q/quota-share/a"
    training.batch.update_quota_share(quotaShareArn=arn, state="DISABLED")
    training.wait(30)
    training.batch.delete_quota_share(quotaShareArn=arn)
    training.wait(30)
    assert [training.status(job) for job in jobs["a"]] == ["FAILED", "FAILED"]
    assert training.status(jobs["b"][0]) in ("STARTING", "RUNNING", "SUCCEEDED")
    assert [each["quotaShareName"] for each in training.batch.list_quota_shares(jobQueue="q")["quotaShares"]] == ["b"]


def test_a_raised_priority_can_preempt(stack: TestStack) -> None:
    """UpdateServiceJob: "raise the priority of a RUNNABLE job …, making it possible … to preempt".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/preemption.html, read 2026-11-21.
    """
    training = Training(stack, limit=2, unit=KIND, shares={"a": {"limit": 2, "inShare": "ENABLED"}})
    first = training.submit(count=2, quotaShareName="a", tags={"batchiac:duration": "3600"})
    training.until(first, "RUNNING")
    second = training.submit(count=2, quotaShareName="a")
    training.wait(30)
    assert training.status(second) == "RUNNABLE"
    training.batch.update_service_job(jobId=second, schedulingPriority=1)
    training.until(second, "RUNNING")
    assert training.status(first) == "RUNNABLE"


def test_lent_capacity_is_borrowed_and_reserved_capacity_is_not(stack: TestStack) -> None:
    """RESERVE keeps what is idle for its own jobs; LEND gives it to those that may borrow.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/quota-shares.html, read 2026-11-21.
    """
    for strategy, status in (("RESERVE", "RUNNABLE"), ("LEND", "RUNNING")):
        with local_stack() as fresh:
            shares = {"a": {"limit": 2, "strategy": "LEND_AND_BORROW"}, "b": {"limit": 2, "strategy": strategy}}
            training = Training(fresh, limit=4, unit=KIND, shares=shares)
            jobs = [training.submit(quotaShareName="a", tags={"batchiac:duration": "3600"}) for _ in range(3)]
            training.wait(60)
            assert [training.status(job) for job in jobs] == ["RUNNING", "RUNNING", status]


def test_the_snapshot_of_a_quota_queue_has_the_front_of_each_share(stack: TestStack) -> None:
    """The first RUNNABLE job of every share, and what the shares use.

    Source: botocore 1.44.5, batch FrontOfQuotaSharesDetail and QuotaShareUtilizationDetail, read 2026-11-21.
    """
    training = Training(stack, limit=4, unit=KIND, shares={"a": {"limit": 2}, "b": {"limit": 2}})
    jobs = {share: [training.submit(count=2, quotaShareName=share) for _ in range(2)] for share in "ab"}
    training.wait(30)
    shown = training.batch.get_job_queue_snapshot(jobQueue="q")
    fronts = shown["frontOfQuotaShares"]["quotaShares"]
    assert {share: entries[0]["jobArn"].rpartition("/")[2] for share, entries in fronts.items()} == {
        share: ids[1] for share, ids in jobs.items()
    }
    used = shown["queueUtilization"]["quotaShareUtilization"]["topCapacityUtilization"]
    assert {each["quotaShareName"]: each["capacityUsage"] for each in used} == {
        share: [{"capacityUnit": KIND, "quantity": 2.0}] for share in "ab"
    }


@pytest.mark.parametrize("value", ["Capacity Error", "CapacityError::none", "x/y"])
def test_failures_that_cannot_be_read_are_refused(stack: TestStack, value: str) -> None:
    """The tag is ours; what it may say is in the refusal.

    Source: decision 0113; AWS's tag values: botocore 1.44.5, batch TagValue, read 2026-11-21.
    """
    training = Training(stack)
    with pytest.raises(ClientError, match="batchiac:failures"):
        training.submit(tags={"batchiac:failures": value})
