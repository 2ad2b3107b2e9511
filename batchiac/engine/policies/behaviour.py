"""What a simulated job does: how long it runs, how it ends, how much memory it takes.

Sources in order (DESIGN, "How a simulated job behaves"): a function given in Python, which is a `Behaviour` of the
caller's own; tags; the command, where it says so itself; 60 s and exit 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Protocol

from batchiac.engine.kernel.randomness import Stream
from batchiac.errors import WorkloadError
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container

DEFAULT_DURATION_MS = 60_000
TAG_PREFIX = "batchiac:"
TAGS = ("duration", "exit", "memory", "start")

START_FAILURES: Mapping[str, str] = MappingProxyType(
    {
        "CannotCreateContainerError": "Error response from daemon: devmapper: Thin Pool has 2 free data blocks which"
        " is less than minimum required 4454 free data blocks",
        "CannotInspectContainerError": "Could not transition to inspecting; timed out after waiting 30s",
        "CannotPullContainerError": "Error response from daemon: manifest unknown: manifest unknown",
        "CannotStartContainerError": "failed to get container status: container is not running",
        "ContainerRuntimeError": "failed to create container model: no such image",
        "ContainerRuntimeTimeoutError": "Could not transition to running; timed out after waiting 1m0s",
        "DockerTimeoutError": "Could not transition to started; timed out after waiting 3m0s",
        "ResourceInitializationError": "unable to pull secrets or registry auth: execution resource retrieval failed",
    }
)
"""Why a container could not be started, by class. The classes are AWS's, and what retry rules match
(`onReason: CannotPullContainerError:*`); what follows the colon stands for the many texts that follow there on AWS.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html,
https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21."""


class Outcome(NamedTuple):
    """How one attempt of one container ends.

    Attributes:
        duration_ms: from start to exit, ≥ 0.
        exit_code: 0..255.
        peak_memory_mib: above the container's limit it is killed at its end: OutOfMemoryError, 137.
        reason: the container's reason, empty for none.
        starts: False makes the start itself fail: `reason` says why (`CannotPullContainerError: …`), exit is none.
    """

    duration_ms: int
    exit_code: int = 0
    peak_memory_mib: int = 0
    reason: str = ""
    starts: bool = True


Draw = Callable[[int, int, Stream], Outcome | int]
"""`draw(index, attempt, stream)`: index is the array index or the node index, 0 for a plain job; attempt is 1-based.
A bare int is the duration in ms of a container that ends well and takes no memory worth counting.
The stream is keyed by (seed, job, index, attempt): the same question gives the same answer at any time."""


class Behaviour(Protocol):
    """A policy: what the containers of a job do."""

    def plan(self, job: JobRequest, container: Container) -> Draw:
        """The draw for one container of a job; asked when it starts, and again: one job gets equal draws each time.

        Raises:
            WorkloadError: the job's own description of its behaviour cannot be understood.
        """
        ...


DEFAULT_OUTCOME = Outcome(DEFAULT_DURATION_MS)


class Fixed:
    """The same outcome for every attempt of every job; 60 s and exit 0 unless told otherwise."""

    def __init__(self, outcome: Outcome = DEFAULT_OUTCOME) -> None:
        self._draw: Draw = lambda _index, _attempt, _stream: outcome

    def plan(self, job: JobRequest, container: Container) -> Draw:
        """See Behaviour."""
        return self._draw


class FromTagsAndCommand:
    """Tags first, then the command, then the default. The policy of the local stack."""

    def plan(self, job: JobRequest, container: Container) -> Draw:
        """See Behaviour. Job tags win over the definition's."""
        tags = job.tags
        if job.definition.tags:
            tags = {**job.definition.tags, **job.tags}
        wanted = tuple(sorted((key, value) for key, value in tags.items() if key.startswith(TAG_PREFIX)))
        return parse_behaviour(wanted, container.command)


@lru_cache(maxsize=4096)
def parse_behaviour(tags: tuple[tuple[str, str], ...], command: tuple[str, ...]) -> Draw:
    """The draw that tags and command describe. Pure; the same arguments give the same object.

    Args:
        tags: (key, value) pairs whose keys start with `batchiac:`; keys that mean something else are left alone.
        command: a container's command.

    Raises:
        WorkloadError: a value that is not of the documented form; the message says found and allowed.
    """
    given = dict(tags)
    said_ms, said_exit = read_command(command)
    duration = given.get("batchiac:duration")
    draw_ms = parse_duration(duration) if duration is not None else _constant(said_ms)
    exits = parse_exits(given["batchiac:exit"]) if "batchiac:exit" in given else (said_exit,)
    peak = parse_memory(given["batchiac:memory"]) if "batchiac:memory" in given else 0
    last = len(exits)
    if "batchiac:start" in given:
        return _failing_to_start(parse_starts(given["batchiac:start"]), draw_ms, exits, peak)

    def draw(_index: int, attempt: int, stream: Stream) -> Outcome:
        return Outcome(draw_ms(stream), exits[min(attempt, last) - 1], peak)

    return draw


def _failing_to_start(
    starts: tuple[str, ...], draw_ms: Callable[[Stream], int], exits: tuple[int, ...], peak: int
) -> Draw:
    def draw(_index: int, attempt: int, stream: Stream) -> Outcome:
        failure = starts[min(attempt, len(starts)) - 1]
        if failure:
            return Outcome(0, 0, 0, failure, starts=False)
        return Outcome(draw_ms(stream), exits[min(attempt, len(exits)) - 1], peak)

    return draw


def _constant(duration_ms: int) -> Callable[[Stream], int]:
    return lambda _stream: duration_ms


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise WorkloadError(f"{what} has {text!r}: give a number of seconds from 0 up, such as 90 or 1.5")
    return value


def parse_duration(text: str) -> Callable[[Stream], int]:
    """`90` (seconds), `uniform:60:90` (low, high), `lognormal:300:1.5` (median, geometric deviation) as a draw in ms.

    Raises:
        WorkloadError: another form, a negative number, low above high, or a deviation below 1.
    """
    what = f"batchiac:duration={text}"
    kind, *parts = text.split(":")
    if not parts:
        return _constant(round(_number(kind, what) * 1000))
    if kind in ("uniform", "lognormal") and len(parts) == 2:
        first, second = (_number(part, what) for part in parts)
        if kind == "uniform" and first <= second:
            return lambda stream: round(stream.uniform(first, second) * 1000)
        if kind == "lognormal" and second >= 1:
            return lambda stream: round(stream.lognormal(first, second) * 1000)
    raise WorkloadError(
        f"{what} is not understood: allowed are seconds (90), uniform:LOW:HIGH with LOW ≤ HIGH, and"
        " lognormal:MEDIAN:DEVIATION with DEVIATION ≥ 1"
    )


def parse_exits(text: str) -> tuple[int, ...]:
    """`0`, or one exit code an attempt, the last repeated: `1:0`.

    Raises:
        WorkloadError: anything but numbers from 0 to 255 with colons between.
    """
    if not re.fullmatch(r"\d{1,3}(:\d{1,3})*", text, re.ASCII) or any(int(code) > 255 for code in text.split(":")):
        raise WorkloadError(
            f"batchiac:exit={text} is not understood: give exit codes from 0 to 255, one an attempt, such as 0 or 1:0"
        )
    return tuple(int(code) for code in text.split(":"))


def parse_starts(text: str) -> tuple[str, ...]:
    """The reasons of starts that fail, one an attempt, the last repeated; empty for one that does not.

    `CannotPullContainerError:none` is a job whose first attempt fails to start, and whose next ones start.

    Raises:
        WorkloadError: anything but `none` and the classes of `START_FAILURES` with colons between.
    """
    words = text.split(":")
    for word in words:
        if word != "none" and word not in START_FAILURES:
            raise WorkloadError(
                f"batchiac:start={text} is not understood, for it has {word!r}: give one word an attempt, with colons"
                f" between, of none (it starts), {', '.join(START_FAILURES)}"
            )
    return tuple("" if word == "none" else f"{word}: {START_FAILURES[word]}" for word in words)


def parse_memory(text: str) -> int:
    """Peak memory in MiB.

    Raises:
        WorkloadError: not a whole number from 0 up.
    """
    if not (text.isascii() and text.isdigit()):
        raise WorkloadError(f"batchiac:memory={text} is not understood: give whole MiB, such as 2048")
    return int(text)


_SHELLS = {"sh", "bash", "/bin/sh", "/bin/bash"}


def read_command(command: Sequence[str]) -> tuple[int, int]:
    """(duration in ms, exit code) as the command itself says it: `sleep 30`, `true`, `false`, `exit 3`; else 60 s, 0.

    A bare `kill` has nobody to kill: the program ends with 1 (procps, util-linux, busybox), the builtin of a shell with
    2 (bash, dash). A shell's `-c` argument is looked into; parts joined by `&&` or `;` are added up until one ends the
    shell.
    """
    words = list(command)
    in_shell = len(words) >= 3 and words[0] in _SHELLS and words[1].startswith("-") and words[1].endswith("c")
    if in_shell:
        parts = [part.split() for part in re.split(r"&&|;|\n", words[2])]
    else:
        parts = [words]
    total_ms, code, understood = 0, 0, False
    for part in parts:
        if not part:
            continue
        match part:
            case ["sleep" | "/bin/sleep" | "/usr/bin/sleep", *times] if times and (ms := _sleep_ms(times)) is not None:
                total_ms += ms
                code = 0
            case ["true" | "/bin/true" | "/usr/bin/true" | ":"]:
                code = 0
            case ["false" | "/bin/false" | "/usr/bin/false"]:
                code = 1
            case ["kill" | "/bin/kill" | "/usr/bin/kill"]:
                code = 2 if in_shell and part[0] == "kill" else 1
            case ["exit", number] if number.isascii() and number.isdigit():
                return total_ms, int(number) & 255
            case ["echo", *_]:
                code = 0
                continue
            case _:
                return DEFAULT_DURATION_MS, 0
        understood = True
        if code and "&&" in (words[2] if len(words) > 2 else ""):
            break
    return (total_ms, code) if understood else (DEFAULT_DURATION_MS, 0)


_UNITS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}


def _sleep_ms(times: Sequence[str]) -> int | None:
    """GNU sleep's arguments, which add up; None where one is no time."""
    total = 0.0
    for each in times:
        match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)([smhd]?)", each, re.ASCII)
        if match is None:
            return None
        total += float(match[1]) * _UNITS[match[2]]
    return round(total * 1000)
