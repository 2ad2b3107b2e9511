"""Putting our Batch in moto's place, and taking it out again.

`install()` replaces moto's `batch_backends` (not merely its URLs), so that moto's reset, accounts, regions and server
work on ours; it makes CloudFormation create our resources, and adds what moto lacks around Batch (additions.py).
Both the module-level name and the registry are module state of moto's: one stack a process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.engine.settings import EngineSettings
from batchiac.errors import InternalError
from batchiac.local.quotas import NO_QUOTAS
from batchiac.local.stage import Stage, StageSettings

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

_stage: Stage | None = None
_moto_originals: dict[str, Any] = {}

DROP_IN = StageSettings(
    clock="auto",
    flowing=True,
    at_once=True,
    quotas=NO_QUOTAS,
    engine=EngineSettings(
        environment_create_ms=1,
        environment_update_ms=1,
        environment_delete_ms=1,
        queue_create_ms=1,
        queue_update_ms=1,
        queue_delete_ms=1,
    ),
)
"""What users of plain moto expect: environments and queues are there when the call returns, and a poll loop ends."""


def install(settings: StageSettings | None = None) -> Stage:
    """Make moto use our Batch, in this process, from now on.

    Args:
        settings: None takes `DROP_IN`: time goes with the machine's, a Describe of something in transition moves it
            on to the next change, environments and queues change at once. For tests that were written against a laxer
            Batch: `install(attrs.evolve(DROP_IN, accepted_rules=frozenset({"JD106"})))`.

    Returns:
        The stage: its clock, `advance`, `run_until_idle`. Calling again puts a new, empty one up.
    """
    global _stage
    import moto.batch
    import moto.batch.models
    from moto.core.base_backend import BackendDict

    from batchiac.local.additions import install_additions
    from batchiac.local.backend import BatchBackend
    from batchiac.local.cloudformation import install_cloudformation
    from batchiac.local.step_functions import install_step_functions

    if not _moto_originals:
        _moto_originals["batch_backends"] = moto.batch.models.batch_backends
    _stage = Stage(settings or DROP_IN)
    # moto's own registry of what to reset would keep an earlier stage's backends.
    moto.batch.models.batch_backends.clear()
    backends = BackendDict(BatchBackend, "batch")
    moto.batch.models.batch_backends = moto.batch.batch_backends = backends
    install_additions()
    install_cloudformation()
    install_step_functions()
    return _stage


def uninstall() -> None:
    """Give moto its own Batch back; additions to its other services stay. Without `install()` nothing happens."""
    global _stage
    if not _moto_originals:
        return
    import moto.batch
    import moto.batch.models

    from batchiac.local.cloudformation import uninstall_cloudformation

    moto.batch.models.batch_backends.clear()
    moto.batch.models.batch_backends = moto.batch.batch_backends = _moto_originals.pop("batch_backends")
    uninstall_cloudformation()
    _stage = None


def is_installed() -> bool:
    """True between `install()` and `uninstall()`."""
    return _stage is not None


def find_stage() -> Stage | None:
    """The stage that is up, None when none is."""
    return _stage


def current_stage() -> Stage:
    """The stage that is up.

    Raises:
        InternalError: none is: a backend of ours lives on after `uninstall()`.
    """
    if _stage is None:
        raise InternalError("no local stack is installed: call batchiac.local.install() first")
    return _stage


def backend_of(account: str, region: str) -> BatchBackend:
    """Batch of one account and region, made when first asked for.

    Raises:
        ApiError: AWS has no Batch in a region of this name.
    """
    backend = current_stage().backends.get((account, region))
    if backend is not None:
        return backend
    import moto.batch.models

    from batchiac.local.api_error import ApiError

    try:
        made: BatchBackend = moto.batch.models.batch_backends[account][region]
    except KeyError:
        raise ApiError("UnrecognizedClientException", 403, f"AWS Batch has no region {region}") from None
    return made
