"""A stack as declared, deployed into this process: what `verify` and `demo` run workloads on.

Whatever the stack's target is, nothing here reaches further than this process: region and config are the stack's own,
endpoint and account are the simulation's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, evolve

from batchiac.errors import UsageError

if TYPE_CHECKING:
    from batchiac.deploy.acts import Listener
    from batchiac.deploy.stack import Stack
    from batchiac.deploy.steps import Plan, Result
    from batchiac.model.handler import Handler
    from batchiac.testing import TestStack


@define(slots=False)
class Simulated:
    """A simulated AWS and a stack's program for it; nothing is deployed until `up`.

    Attributes:
        aws: the in-process local stack.
        stack: the program, its config, and its state in memory.
    """

    aws: TestStack
    stack: Stack

    def handler(self, token: str) -> Handler | None:
        """The handler of a resource type, acting in the simulation."""
        from batchiac.provider import HANDLERS

        return HANDLERS[token](self._door) if token in HANDLERS else None

    @cached_property
    def _door(self) -> Any:
        from batchiac.aws import Door

        return Door(self.stack.target, sleep=self.aws.clock.sleep, clock=self.aws.clock.now_s)

    def preview(self) -> Plan:
        """What `up` would do."""
        from batchiac.deploy import preview

        return preview(self.stack, self.handler)

    def up(self, on_event: Listener = lambda event: None) -> Result:
        """Deploy the program."""
        from batchiac.deploy import up

        result = up(self.stack, self.handler, on_event=on_event)
        assert result is not None, "nobody was asked, so nobody can have said no"
        return result

    def destroy(self, on_event: Listener = lambda event: None) -> Result:
        """Delete what was deployed."""
        from batchiac.deploy import destroy

        result = destroy(self.stack, self.handler, on_event=on_event)
        assert result is not None, "nobody was asked, so nobody can have said no"
        return result


@contextmanager
def simulated_stack(cwd: Path, name: str, *, seed: int, environ: Mapping[str, str] = os.environ) -> Iterator[Simulated]:
    """The stack `name` of the project in `cwd`, in virtual time, for as long as the block lasts.

    Raises:
        ConfigError: no project, no such stack, or a broken file.
        UsageError: the local stack is not installed.
    """
    from batchiac.deploy import open_memory_stack
    from batchiac.model.target import Target

    stack = open_memory_stack(cwd, name, environ=environ)
    # The account of an `aws` stack is not ours to check here, and its calls must not leave.
    target = Target("local", stack.target.region, in_process=True, suppress=stack.target.suppress)
    stack = evolve(stack, target=target)
    with ExitStack() as opened:
        try:
            from batchiac.testing import local_stack

            aws = opened.enter_context(
                local_stack(clock="virtual", seed=seed, projections=False, region=stack.target.region)
            )
        except ModuleNotFoundError as missing:
            if (missing.name or "").partition(".")[0] != "moto":
                raise
            raise UsageError(
                "the simulated stack needs the extra `local` (moto is not installed): pip install 'batchiac[local]'"
            ) from missing
        yield Simulated(aws, stack)
