"""From the engine's effects to what a job did."""

from __future__ import annotations

from batchiac.engine.effects import JobStateChanged, QueueBlocked
from batchiac.verify.trace import Attempt, JobRun, Recorder


def _listen(recorder: Recorder, job_id: str, *moments: tuple[int, str] | tuple[int, str, str]) -> None:
    previous = "SUBMITTED"
    for at_ms, status, *reason in moments:
        recorder.listen(JobStateChanged(at_ms, job_id, "q", previous, status, *reason))
        previous = status


def _job(recorder: Recorder, job_id: str) -> JobRun:
    return recorder.job_run(job_id, task="t", group="g", vcpus=2, submitted_at_ms=1000, start_ms=1000, end_ms=99_000)


def test_attempts_are_what_ran() -> None:
    """A retry is a second attempt; the wait is until the first; the reason is the last one's."""
    recorder = Recorder()
    _listen(
        recorder,
        "a",
        (2000, "RUNNABLE"),
        (5000, "STARTING"),
        (6000, "RUNNING"),
        (9000, "RUNNABLE", "Host EC2 (instance i-1) terminated."),
        (9500, "STARTING"),
        (9500, "RUNNING"),
        (12_000, "SUCCEEDED", "Essential container in task exited"),
    )
    job = _job(recorder, "a")
    assert job.attempts == (
        Attempt(5.0, 8.0, False, "Host EC2 (instance i-1) terminated."),
        Attempt(8.5, 11.0, True, "Essential container in task exited"),
    )
    assert (job.runnable_at_s, job.started_at_s, job.wait_s, job.stopped_at_s) == (1.0, 5.0, 4.0, 11.0)
    assert job.vcpu_seconds == 11.0


def test_a_job_that_never_started_has_no_wait() -> None:
    """A start that failed is no run, and a job nobody heard of is SUBMITTED."""
    recorder = Recorder()
    _listen(recorder, "a", (2000, "RUNNABLE"), (3000, "STARTING"), (4000, "FAILED", "Task failed to start"))
    assert (_job(recorder, "a").attempts, _job(recorder, "a").wait_s) == ((), None)
    assert _job(recorder, "b").status == "SUBMITTED"


def test_what_still_runs_counts_until_the_end() -> None:
    """A run that is cut off leaves an attempt that has not succeeded."""
    recorder = Recorder()
    _listen(recorder, "a", (2000, "RUNNABLE"), (3000, "STARTING"), (3000, "RUNNING"))
    assert _job(recorder, "a").attempts == (Attempt(2.0, 98.0, False, "still running"),)


def test_progress_counts_jobs_and_children_but_no_nodes() -> None:
    """Nodes of a gang are parts of one job; children of an array are jobs; the array itself is told when it ends."""
    seen: list[tuple[int, int]] = []
    recorder = Recorder(lambda ended, at_ms: seen.append((ended, at_ms)))
    _listen(recorder, "mnp#0", (10, "SUCCEEDED"))
    _listen(recorder, "arr:0", (20, "SUCCEEDED"))
    _listen(recorder, "mnp", (30, "FAILED"))
    recorder.listen(QueueBlocked(40, "q", "x", "MISCONFIGURATION:…"))
    assert seen == [(1, 20), (2, 30)]
    assert list(recorder.just_ended) == [("mnp", "FAILED")]
    assert recorder.blocked == {"x": "MISCONFIGURATION:…"}
