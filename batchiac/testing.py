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

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from batchiac.engine.settings import EngineSettings
from batchiac.local.stack import LocalStack
from batchiac.local.stage import StageSettings

if TYPE_CHECKING:
    from batchiac.aws import Door
    from batchiac.engine import Behaviour

__all__ = ["TestStack", "local_stack"]


class TestStack(LocalStack):
    """A local stack with the way in for deployments."""

    __test__ = False  # pytest: not a test class

    @cached_property
    def door(self) -> Door:
        """batchiac's own door to this stack; its waits move a virtual clock instead of sleeping."""
        from batchiac.aws import Door
        from batchiac.model.target import Target

        target = Target("local", self.region, in_process=True)
        return Door(target, sleep=self.clock.sleep, clock=self.clock.now_s)


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
    behaviour: Behaviour | None = None,
    unmanaged_hosts: Literal["assumed", "registered"] = "assumed",
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
        behaviour: what simulated jobs do; None reads their tags and commands.
        unmanaged_hosts: see `StageSettings`.

    Raises:
        UsageError: a clock of another kind.
    """
    chosen: dict[str, Any] = {} if settings is None else {"engine": settings}
    stack = TestStack(
        StageSettings(
            clock=clock,
            seed=seed,
            projections=projections,
            at_once=at_once,
            consistency_lag_ms=round(consistency_lag_s * 1000),
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
