"""Whether a failed attempt is followed by another: retryStrategy.evaluateOnExit, as documented.

Entries are looked at in order. An entry matches when every condition that it gives matches; the first match decides;
without a match the job is retried. A condition is compared whole, or as a prefix where it ends in `*`; letters count
as written. onStatusReason is matched against the attempt's statusReason, onReason against the container's reason,
onExitCode against the exit code in decimal.
Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.model.job_definition import RetryStrategy


def matches(pattern: str, text: str) -> bool:
    """True when `pattern` is `text`, or its beginning where it ends in `*`; an absent text is the empty one."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def decide_retry(
    strategy: RetryStrategy, *, attempt: int, status_reason: str, reason: str, exit_code: int | None
) -> bool:
    """True when another attempt follows.

    Args:
        attempt: the one that failed, 1-based.
        status_reason: the attempt's.
        reason: its container's.
        exit_code: None where no container ran to an exit.
    """
    if attempt >= strategy.attempts:
        return False
    code = "" if exit_code is None else str(exit_code)
    for entry in strategy.evaluate_on_exit:
        if (
            (not entry.on_status_reason or matches(entry.on_status_reason, status_reason))
            and (not entry.on_reason or matches(entry.on_reason, reason))
            and (not entry.on_exit_code or matches(entry.on_exit_code, code))
        ):
            return entry.action == "RETRY"
    return True
