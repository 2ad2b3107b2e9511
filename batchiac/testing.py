"""The local stack for tests.

    from batchiac.testing import local_stack

    with local_stack(clock="virtual", seed=7) as stack:
        batch = stack.client("batch")                              # an ordinary boto3 client
        deployment = stack.up("path/to/program", stack="local")    # state in memory unless state=PATH
        job_id = batch.submit_job(...)["jobId"]
        stack.clock.run_until_idle()                               # or .advance(seconds)

The pytest fixture `batch_stack` is the same. moto is imported when a stack starts, not with this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve

from batchiac.engine.settings import EngineSettings
from batchiac.local.stack import LocalStack
from batchiac.local.stage import StageSettings

if TYPE_CHECKING:
    from batchiac.aws import Door
    from batchiac.deploy.stack import Stack
    from batchiac.deploy.steps import Plan, Result
    from batchiac.engine import Behaviour
    from batchiac.local.quotas import Quotas
    from batchiac.model.handler import Handler
    from batchiac.model.target import Target

__all__ = ["Deployment", "TestStack", "local_stack"]


class TestStack(LocalStack):
    """A local stack with the way in for deployments."""

    __test__ = False  # pytest: not a test class

    @cached_property
    def door(self) -> Door:
        """batchiac's own door to this stack; its waits move a virtual clock instead of sleeping."""
        from batchiac.model.target import Target

        return self._door_to(Target("local", self.region, in_process=True))

    def _door_to(self, target: Target) -> Door:
        from batchiac.aws import Door

        return Door(target, sleep=self.clock.sleep, clock=self.clock.now_s)

    def up(
        self,
        program_dir: Path | str = ".",
        stack: str = "local",
        *,
        state: Path | str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Deployment:
        """Deploy a Pulumi program to this stack; nothing reaches further, whatever target the stack's file names.

        Args:
            program_dir: the project's folder, or one below it.
            stack: the stack's name: `stacks/Pulumi.<stack>.yaml`.
            state: the folder of the state; None keeps it in memory, for as long as the deployment lives.
            environ: where the passphrase of a stack with secrets is looked up.

        Raises:
            ConfigError: no project, no such stack, or a broken file.
            ProgramError: the program raised.
            FindingsError: documented rules are broken; every finding is in it.
        """
        from batchiac.deploy import open_memory_stack, open_stack
        from batchiac.deploy.project import find_project, read_stack
        from batchiac.deploy.stack import file_store
        from batchiac.model.target import Target

        if state is None:
            opened = open_memory_stack(program_dir, stack, environ=environ)
        else:
            project = find_project(Path(program_dir))
            store = file_store(project, read_stack(project, stack), stack, environ=environ, folder=Path(state))
            opened = open_stack(program_dir, stack, environ=environ, store=store, in_process=True)
        target = Target("local", opened.target.region, in_process=True, suppress=opened.target.suppress)
        opened = evolve(opened, target=target)
        deployment = Deployment(opened, self._door_to(opened.target))
        deployment.up()
        return deployment


class Deployment:
    """A program deployed to a local stack, and what else can be done with it."""

    def __init__(self, stack: Stack, door: Door) -> None:
        self._stack = stack
        self._door = door

    def _handler(self, token: str) -> Handler | None:
        from batchiac.provider import HANDLERS

        return HANDLERS[token](self._door) if token in HANDLERS else None

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as plain values, secrets in the open."""
        from batchiac.deploy import read_outputs

        return read_outputs(self._stack, show_secrets=True)

    def preview(self, *, refresh: bool = False) -> Plan:
        """What `up` would do now; with `refresh`, what exists is read first and running jobs at stake are counted."""
        from batchiac.deploy import preview

        return preview(self._stack, self._handler, refresh=refresh)

    def up(self) -> Result:
        """Deploy again: the program may have changed."""
        from batchiac.deploy import up

        return _done(up(self._stack, self._handler))

    def refresh(self) -> Result:
        """Take what exists over into the state."""
        from batchiac.deploy import refresh

        return _done(refresh(self._stack, self._handler))

    def destroy(self) -> Result:
        """Delete everything that was deployed."""
        from batchiac.deploy import destroy

        return _done(destroy(self._stack, self._handler))


def _done(result: Result | None) -> Result:
    assert result is not None, "nobody was asked, so nobody can have said no"
    return result


@contextmanager
def local_stack(
    *,
    clock: str = "virtual",
    seed: int = 7,
    projections: bool = True,
    region: str = "us-east-1",
    settings: EngineSettings | None = None,
    at_once: bool = False,
    consistency_lag_s: float = 0,
    image_precedence: Literal["api", "guide"] = "api",
    behaviour: Behaviour | None = None,
    unmanaged_hosts: Literal["assumed", "registered"] = "assumed",
    quotas: Quotas | None = None,
) -> Iterator[TestStack]:
    """moto in this process with batchiac's Batch, for as long as the block lasts.

    Args:
        clock: `virtual`, `auto`, `real` or `scaled:N`.
        seed: of ids, times and everything random; the same seed gives the same ids, times and trace.
        projections: show Batch's instances, tasks, logs and events in moto's other services, and hold environments to
            the roles and networks that exist. False for runs at scale.
        region: of clients that name none.
        settings: how long things take in the simulation.
        at_once: environments and queues have changed when the call returns.
        consistency_lag_s: how long an environment counts as attached after a queue has let it go.
        image_precedence: which image wins where several are given; see `StageSettings`.
        behaviour: what simulated jobs do; None reads their tags and commands.
        unmanaged_hosts: see `StageSettings`.
        quotas: how many queues, environments … there may be; None for AWS's defaults (batchiac.local.quotas).

    Raises:
        UsageError: a clock of another kind.
    """
    chosen: dict[str, Any] = {} if settings is None else {"engine": settings}
    if quotas is not None:
        chosen["quotas"] = quotas
    stack = TestStack(
        StageSettings(
            clock=clock,
            seed=seed,
            projections=projections,
            at_once=at_once,
            consistency_lag_ms=round(consistency_lag_s * 1000),
            image_precedence=image_precedence,
            behaviour=behaviour,
            unmanaged_hosts=unmanaged_hosts,
            **chosen,
        ),
        region,
    )
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()
