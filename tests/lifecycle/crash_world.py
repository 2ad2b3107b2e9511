"""The program of this repository, deployed by a process that dies at its n-th AWS call, and the account it dies in.

Three processes. The *stage* holds the local stack as it is before the act, and forks for each case, so that every case
has an account of its own for the price of a fork. The *account* (that fork) owns a copy of the stack, forks the
*deployer* and answers its AWS calls over a socket. The deployer plans and applies as `batchiac up` does and ends by
`os._exit`, before a call is sent or when its answer has arrived. Then the account process deploys again, as a user
would, and says what there is: everything in the account, and the state.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import shutil
import signal
import socket
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from inventory import differing_lines, differing_states, inventory, state_of
from remote_door import Interference, RemoteDoor, Wire, serve

from batchiac.aws.door import Door
from batchiac.deploy import destroy, open_stack, preview, up
from batchiac.deploy.project import find_project, read_stack
from batchiac.deploy.stack import Stack, file_store
from batchiac.errors import BatchiacError
from batchiac.model.target import Target
from batchiac.provider import HANDLERS
from batchiac.testing import TestStack, local_stack

ROOT = Path(__file__).resolve().parents[2]
DIED = 9

Act = Callable[[Stack, Any], object]


@frozen
class Phase:
    """What is done while the process dies.

    Attributes:
        name: says it.
        act: "up" or "destroy".
        base: edits of infra/__main__.py before the first `up`; None: nothing is deployed before.
        edits: edits before the act that is interrupted.
        jobs: how many jobs run meanwhile.
    """

    name: str
    act: str = "up"
    base: tuple[tuple[str, str], ...] | None = ()
    edits: tuple[tuple[str, str], ...] = ()
    jobs: int = 0


BRIDGE = (
    (
        '        allocation_strategy=config["spotAllocationStrategy"],',
        '        allocation_strategy=config["spotAllocationStrategy"],\n'
        '        compute_environment_name="spot-fixed",\n'
        "        replace_through_bridge=True,",
    ),
)
BEST_FIT = (('allocation_strategy=config["spotAllocationStrategy"]', 'allocation_strategy="BEST_FIT"'),)

PHASES = {
    each.name: each
    for each in (
        Phase("up", base=None),
        Phase(
            "update_in_place",
            edits=(
                ("priority=100", "priority=90"),
                ('tags = {"project": pulumi.get_project()', 'tags = {"team": "x", "project": pulumi.get_project()'),
                ("memory_mib=512", "memory_mib=640"),
                ("timeout_s=7200", "timeout_s=7300"),
            ),
        ),
        Phase(
            "update_scaling",
            edits=(
                ('max_vcpus=config["spotMaxVcpus"]', "max_vcpus=1024"),
                ('max_vcpus=config["maxVcpus"]', "max_vcpus=300"),
            ),
            jobs=3,
        ),
        Phase(
            "update_infrastructure", edits=(("IMAGE_PULL_BEHAVIOR=prefer-cached", "IMAGE_PULL_BEHAVIOR=once"),), jobs=3
        ),
        Phase("replace", edits=BEST_FIT, jobs=3),
        Phase("replace_network", edits=(('batch.Key(str, "10.0.0.0/16")', 'batch.Key(str, "10.1.0.0/16")'),)),
        Phase("replace_through_bridge", base=BRIDGE, edits=BEST_FIT, jobs=3),
        Phase("destroy", act="destroy"),
    )
}


def sample(calls: int, count: int) -> list[tuple[int, str]]:
    """`count` calls out of 1 … `calls`, the first and the last among them, turn by turn before and after."""
    numbers = sorted({1 + round(each * (calls - 1) / (count - 1)) for each in range(count)})
    return [(number, ("before", "after")[index % 2]) for index, number in enumerate(numbers)]


# -- projects and stacks ----------------------------------------------------------------------------------------------


def write_project(folder: Path) -> Path:
    """A copy of the program and its stacks."""
    for name in ("infra", "stacks"):
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns(".venv", "__pycache__")
        )
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / ".state").mkdir()
    return folder


def edit(project: Path, edits: Iterable[tuple[str, str]]) -> None:
    program = project / "infra" / "__main__.py"
    text = program.read_text()
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    program.write_text(text)


def opened(project: Path, state: Path) -> Stack:
    """The stack `local` of the project, its state in Pulumi's file backend under `state`, acting in this process."""
    environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": ""}
    found = find_project(project)
    store = file_store(found, read_stack(found, "local"), "local", environ=environ, folder=state)
    stack = open_stack(project, "local", environ=environ, store=store, in_process=True)
    return evolve(stack, target=Target("local", stack.target.region, in_process=True))


def handlers_of(door: Door) -> Callable[[str], Any]:
    return lambda token: HANDLERS[token](door) if token in HANDLERS else None


def do(act: str, stack: Stack, door: Door) -> Any:
    return (destroy if act == "destroy" else up)(stack, handlers_of(door))


# -- cases ------------------------------------------------------------------------------------------------------------


@frozen
class Outcome:
    """What there is in the end.

    Attributes:
        calls: how many AWS calls the deployer made.
        exit_code: how the deployer ended; DIED when it was killed.
        error: what it raised, in words.
        lines, state: what there is (see `inventory`, `state_of`).
        jobs: how each job ended, and after how many attempts.
        problem: what went wrong in the run that follows, with its traceback; empty otherwise.
    """

    calls: int = 0
    exit_code: int = 0
    error: str = ""
    lines: tuple[str, ...] = ()
    state: Any = None
    jobs: tuple[Any, ...] = ()
    problem: str = ""

    def differences(self, expected: Outcome) -> list[str]:
        """In words, where this is not as it should be; empty when it is."""
        if self.problem:
            return [self.problem]
        found = differing_lines(self.lines, expected.lines) + differing_states(self.state, expected.state)
        if self.jobs != expected.jobs:
            found.append(f"jobs: {self.jobs} instead of {expected.jobs}")
        return found


class Stage:
    """One phase, with its account as it is before the act."""

    def __init__(self, phase: Phase, folder: Path, stack: TestStack) -> None:
        self.phase = phase
        self.stack = stack
        self.project = write_project(folder)
        self.base = folder / "base"
        self.base.mkdir()
        self._folder = folder
        self._jobs: list[str] = []
        if phase.base is not None:
            edit(self.project, phase.base)
            deployed = opened(self.project, self.base)
            do("up", deployed, stack.door)
            if phase.jobs:
                self._submit(deployed)
        edit(self.project, phase.edits)
        # Both are imported and built before anything forks.
        preview(opened(self.project, self.base), handlers_of(stack.door))
        inventory(stack.door)

    def _submit(self, deployed: Stack) -> None:
        from batchiac.deploy import read_outputs

        outputs = read_outputs(deployed, show_secrets=True)
        batch = self.stack.client("batch")
        for number in range(self.phase.jobs):
            job = batch.submit_job(
                jobName=f"j{number}",
                jobQueue=outputs["queues"]["background"],
                jobDefinition=outputs["definitions"]["array"],
                tags={"batchiac:duration": "60"},
            )
            self._jobs.append(job["jobId"])
        while {each["status"] for each in batch.describe_jobs(jobs=self._jobs)["jobs"]} != {"RUNNING"}:
            self.stack.clock.advance(1)

    def case(self, interfere: Interference, *, again: bool = True, name: str = "case") -> Outcome:
        """Let a deployer run under `interfere`, then deploy again.

        Args:
            again: False for the run that nobody interrupts.
        """
        return in_a_fork(lambda: self._case(interfere, again, self._folder / name))

    def _case(self, interfere: Interference, again: bool, folder: Path) -> Outcome:
        shutil.copytree(self.base, folder)
        ours, its = socket.socketpair()
        deployer = _fork()
        if deployer == 0:
            ours.close()
            _deploy(self.phase.act, self.project, folder, Wire(its), interfere, self.stack.door)
        its.close()
        calls = serve(self.stack, ours)
        ours.close()
        code = os.waitstatus_to_exitcode(os.waitpid(deployer, 0)[1])
        error_file = folder / "error"
        error = error_file.read_text() if error_file.exists() else ""
        outcome = Outcome(len(calls), code, error)
        try:
            if again:
                stack = opened(self.project, folder)
                stack.store.break_locks()  # type: ignore[attr-defined]
                do(self.phase.act, stack, self.stack.door)
            elif code != 0:
                return evolve(outcome, problem=error or f"the deployer ended with {code}")
            return self._there_is(outcome, folder)
        except BaseException:
            return evolve(outcome, problem=traceback.format_exc())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _there_is(self, outcome: Outcome, folder: Path) -> Outcome:
        """The outcome with what there is in the end: nothing is left to do, and nothing is marked as being made."""
        stack = opened(self.project, folder)
        if self.phase.act == "up":
            plan = preview(stack, handlers_of(self.stack.door))
            assert not plan.has_changes, [each for each in plan.steps if each.op.value != "same"]
        jobs = self._ended()
        lines, labels = inventory(self.stack.door)
        assert not any("batchiac:creating" in each for each in lines), "a creating tag is left"
        state = state_of(stack.store.path, labels)  # type: ignore[attr-defined]
        return evolve(outcome, lines=tuple(lines), state=state, jobs=jobs)

    def _ended(self) -> tuple[Any, ...]:
        if not self._jobs:
            return ()
        self.stack.clock.run_until_idle()
        described = self.stack.client("batch").describe_jobs(jobs=self._jobs)["jobs"]
        return tuple(sorted((each["jobName"], each["status"], len(each["attempts"])) for each in described))


def _deploy(act: str, project: Path, state: Path, wire: Wire, interfere: Interference, models: Door) -> None:
    """The deployer: does not return."""
    code = 1
    try:
        stack = opened(project, state)
        do(act, stack, RemoteDoor(stack.target, wire, interfere, models))
        code = 0
    except BatchiacError as error:
        (state / "error").write_text(error.message)
        code = error.exit_code
    except KeyboardInterrupt:
        # As `cli.main` does at the second Ctrl-C.
        code = 130
    except BaseException:
        (state / "error").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def undisturbed(stage: Stage) -> Outcome:
    """What the act ends with when nothing happens to it."""
    return stage.case(lambda _number, _service, _method, _moment: None, again=False, name="undisturbed")


@contextlib.contextmanager
def staged(phase: Phase, folder: Path, kind: type[Stage]) -> Iterator[Stage]:
    """The stage of a phase, in this process. Nothing is flushed to the disk: the machine stays up."""
    os.fsync = lambda _fd: None  # type: ignore[assignment]  # in a fork of the tests' process
    with local_stack() as stack:
        yield kind(phase, folder, stack)


def on_stage(phase: Phase, folder: Path, act: Callable[[Any], Any], kind: type[Stage] = Stage) -> Any:
    """What `act` returns, called with the stage of `phase` in a process of its own."""

    def run() -> Any:
        with staged(phase, folder, kind) as stage:
            return act(stage)

    return in_a_fork(run)


def _fork() -> int:
    with warnings.catch_warnings():
        # The test runner's own threads do not matter to a child that never returns to it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def in_a_fork(act: Callable[[], Any]) -> Any:
    reading, writing = os.pipe()
    child = _fork()
    if child == 0:
        # A collection would write to every page that the processes share, and so copy it.
        gc.freeze()
        gc.disable()
        os.close(reading)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            answer = ("done", act())
        except BaseException:
            answer = ("failed", traceback.format_exc())
        with os.fdopen(writing, "wb") as file:
            pickle.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    if not data:
        raise AssertionError("a forked process ended without an answer")
    kind, answer = pickle.loads(data)
    if kind == "failed":
        raise AssertionError(answer)
    return answer
