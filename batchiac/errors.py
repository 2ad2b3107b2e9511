"""Every exception a user can meet, by who is to blame.

The class decides the exit code; the text is made from the fields. Nothing here does I/O and everything may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


class BatchiacError(Exception):
    """Base of all. `exit_code` is what the command line ends with.

    Attributes:
        message: one sentence.
        leaves_doubt: True when what was asked of AWS may be done all the same.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.leaves_doubt = False


class InternalError(BatchiacError):
    """Our bug: a state that the code holds to be impossible."""

    exit_code = 1


class UserError(BatchiacError):
    """The user's input is at fault; the message says what was found, what is allowed and what to do."""

    exit_code = 2


class ConfigError(UserError):
    """A project or stack file is missing, unreadable, or says something that no component understands."""


class WorkloadError(UserError):
    """A workload file cannot be run: not of a known format, a cycle, a missing parent."""


class ProgramError(UserError):
    """The user's program raised. `traceback_text` is the program's own traceback, without our frames."""

    def __init__(self, message: str, traceback_text: str = "") -> None:
        super().__init__(message)
        self.traceback_text = traceback_text


class FindingsError(UserError):
    """At least one documented rule is broken; `findings` holds every one (batchiac.rules.Finding), not the first.

    A traceback shows them all as the error's notes.
    """

    def __init__(self, findings: Sequence[object]) -> None:
        count = len(findings)
        super().__init__(f"{count} finding{'s' if count != 1 else ''}: nothing was changed")
        self.findings = tuple(findings)
        for finding in self.findings:
            self.add_note(str(finding))


class UnsupportedError(UserError):
    """Something that the embedded engine does not do; the message names `pulumi up` where that does it."""


class RefusedError(BatchiacError):
    """AWS said no, could not be reached, or is not the account that the stack names."""

    exit_code = 3


class AwsRefusal(RefusedError):  # noqa: N818  AWS's word for it here is a refusal (STYLE: Names)
    """One AWS call was refused.

    Attributes:
        operation: the API operation, `CreateComputeEnvironment`.
        code: AWS's error code, `ClientException`; `Unreachable` and `NoCredentials` where no answer came.
        aws_message: AWS's own text.
        http_status: 0 where no answer came.
    """

    def __init__(self, operation: str, code: str, aws_message: str, http_status: int = 0, what: str = "") -> None:
        super().__init__(f"{what + ': ' if what else ''}AWS refused {operation}: {code}: {aws_message}")
        self.operation = operation
        self.code = code
        self.aws_message = aws_message
        self.http_status = http_status
        self.leaves_doubt = code == "Unreachable"


class WaitError(RefusedError):
    """A resource did not reach the state that was waited for: the deadline passed, or AWS reported that it cannot.

    Attributes:
        status: the last status seen, None when the resource was gone.
        status_reason: AWS's own reason, empty when it gave none.
        timed_out: True when the deadline passed; False when AWS itself reported a bad end.
    """

    def __init__(
        self, message: str, *, status: str | None = None, status_reason: str = "", timed_out: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.status_reason = status_reason
        self.timed_out = timed_out


class PartiallyCreatedError(RefusedError):
    """A create got as far as an existing resource, then failed; and the adapter records it.

    Both adapters leave the resource to the next run: recorded here, or found again by its `batchiac:creating` tag.
    """

    def __init__(self, message: str, *, resource_id: str, outputs: dict[str, object]) -> None:
        super().__init__(message)
        self.leaves_doubt = True
        self.resource_id = resource_id
        self.outputs = outputs


class PendingChangesError(BatchiacError):
    """`preview --expect-no-changes` found changes."""

    exit_code = 4


class StateError(BatchiacError):
    """The state file is damaged, of a later version, or locked by another run."""

    exit_code = 5


class JobsFailedError(BatchiacError):
    """`verify` ended with failed or stuck jobs."""

    exit_code = 6


class UsageError(BatchiacError):
    """The command line itself is wrong."""

    exit_code = 64


class InterruptedByUserError(BatchiacError):
    """Ctrl-C: what had begun was finished or recorded, nothing new was started."""

    exit_code = 130


class InterruptedAtOnce(KeyboardInterrupt):
    """The second Ctrl-C: nobody waits any more for the threads that are at work.

    Attributes:
        wait: returns when these have ended.
        let_go: releases the stack's lock, which is otherwise held until then: for a process that ends at once.
    """

    def __init__(self, wait: Callable[[], object]) -> None:
        super().__init__("interrupted at once; the next run takes up what had begun")
        self.wait = wait
        self.let_go: Callable[[], object] = _nothing


def _nothing() -> None:
    """Nothing is held."""
