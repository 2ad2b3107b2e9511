"""The local stack inside this process: moto's mock with our Batch, a clock, and clients.

`batchiac.testing.local_stack` is how users get one. Everything here also works beside a user's own `mock_aws`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import frozen

from batchiac.errors import UsageError
from batchiac.local.api_error import ApiError
from batchiac.local.stage import Stage, StageSettings

if TYPE_CHECKING:
    from batchiac.engine import Engine
    from batchiac.engine.effects import Listener
    from batchiac.engine.views import InstanceView
    from batchiac.local.backend import BatchBackend
    from batchiac.local.server.faults import Faults

ACCOUNT = "123456789012"
"""moto's default account."""


@frozen
class StackClock:
    """The stack's time, as tests move it."""

    stage: Stage

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.stage.clock.now_ms()

    def now_s(self) -> float:
        """Seconds since 1970: what deadlines are measured on."""
        return self.stage.clock.now_ms() / 1000

    def advance(self, seconds: float) -> None:
        """Let so much time pass, with everything that happens in it.

        Raises:
            UsageError: the clock is real or scaled.
        """
        self.stage.advance(seconds)

    def advance_to(self, at_ms: int) -> None:
        """Let time pass until then; a moment that has passed changes nothing."""
        self.stage.advance(max(0, at_ms - self.stage.clock.now_ms()) / 1000)

    def next_event_ms(self) -> int | None:
        """When the next thing happens by itself; None when nothing will."""
        return self.stage.next_event_ms()

    def run_until_idle(self) -> None:
        """Let time pass until nothing changes any more without a new request.

        Raises:
            UsageError: the clock is real or scaled.
        """
        self.stage.run_until_idle()

    def sleep(self, seconds: float) -> None:
        """What a wait loop calls: moves a clock that can be moved, and sleeps on one that runs by itself."""
        if self.stage.clock.can_skip:
            self.stage.advance(seconds)
            return
        import time

        time.sleep(seconds)


class LocalStack:
    """A running local stack in this process.

    Args:
        settings: see `StageSettings`.
        region: of clients that name none.

    Attributes:
        region, seed: as given.
        clock: the stack's time.
        faults: what clients of this process are to meet, see below.
    """

    def __init__(self, settings: StageSettings, region: str) -> None:
        self.region = region
        self.seed = settings.seed
        self._settings = settings
        self._clients: dict[tuple[str, str], Any] = {}
        self._mock: Any = None
        self._before: StageSettings | None = None
        self._stage: Stage | None = None
        self._faults: Faults | None = None

    # --- start and end ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Put our Batch in place and start moto's mock."""
        from moto import mock_aws

        from batchiac.local import installation
        from batchiac.local.faults_in_process import begin_faults
        from batchiac.local.server.faults import Faults
        from batchiac.local.server.simulation_faults import SimulationFaults

        before = installation.current_stage() if installation.is_installed() else None
        self._before = before.settings if before is not None else None
        self._stage = installation.install(self._settings)
        # Step Functions' interpreter runs state machines; without it moto only keeps them.
        self._mock = mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
        self._mock.start()
        self._faults = Faults(seed=self.seed, simulation=SimulationFaults(self._stage), sleep=self.clock.sleep)
        begin_faults(self._faults)

    def stop(self) -> None:
        """End moto's mock, forget everything, and put back what was installed before."""
        from batchiac.local import installation
        from batchiac.local.faults_in_process import end_faults

        if self._faults is not None:
            end_faults(self._faults)
            self._faults = None
        self._mock.stop()
        self._clients.clear()
        if self._before is not None:
            installation.install(self._before)
        else:
            installation.uninstall()
        self._stage = None

    @property
    def stage(self) -> Stage:
        """All accounts and regions. Raises: UsageError: not started."""
        if self._stage is None:
            raise UsageError("this local stack is not running: use it inside `with local_stack() as stack`")
        return self._stage

    @property
    def clock(self) -> StackClock:
        """See the class."""
        return StackClock(self.stage)

    @property
    def faults(self) -> Faults:
        """Faults for every client of this process, in any service: how a program copes is tried out with them.

            fault = stack.faults.add("throttling", service="batch", operation="SubmitJob", times=3)
            stack.faults.add("lost_answer", probability=0.1)      # drawn from the stack's seed
            stack.faults.add("no_capacity", instance_type="p5.48xlarge", duration_s=3600)
            stack.faults.listed(); stack.faults.clear(fault.id); stack.faults.clear()

        A slow answer moves a virtual clock instead of waiting. Kinds and settings:
        `batchiac.local.server.fault_kinds.KINDS`; the server's `POST /_batchiac/faults` takes the same.

        Raises:
            UsageError: not started.
        """
        if self._faults is None:
            raise UsageError("this local stack is not running: use it inside `with local_stack() as stack`")
        return self._faults

    # --- AWS --------------------------------------------------------------------------------------------------------

    def client(self, service: str, region: str | None = None, **options: Any) -> Any:
        """An ordinary client of boto3's kind, made once for each service and region (and anew with `options`)."""
        key = (service, region or self.region)
        if options or key not in self._clients:
            options.setdefault("aws_access_key_id", "batchiac-local")
            options.setdefault("aws_secret_access_key", "batchiac-local")
            made = _session().create_client(service, region_name=key[1], **options)
            if len(options) > 2:
                return made
            self._clients[key] = made
        return self._clients[key]

    def call(
        self, operation: str, params: Mapping[str, Any] | None = None, region: str | None = None
    ) -> dict[str, Any]:
        """A Batch request without HTTP and without a client: `stack.call("SubmitJob", {...})`.

        Raises:
            ApiError: Batch said no.
        """
        from batchiac.local.dispatch import answer

        if self.faults.any_of_requests:
            from batchiac.local.faults_in_process import meeting

            with meeting(self.faults, "batch", operation):
                return answer(self.backend(region), operation, dict(params or {}))
        return answer(self.backend(region), operation, dict(params or {}))

    def direct(self, region: str | None = None) -> DirectClient:
        """A Batch client without HTTP: boto3's method names and errors, about ten times as fast."""
        return DirectClient(self.backend(region), self.faults)

    def backend(self, region: str | None = None) -> BatchBackend:
        """Batch of moto's default account in a region."""
        from batchiac.local.installation import backend_of

        where = (ACCOUNT, region or self.region)
        return self.stage.backends.get(where) or backend_of(*where)

    # --- the simulation ---------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The simulation of the stack's own region, to look into."""
        return self.backend().engine

    def is_idle(self) -> bool:
        """True when nothing changes any more without a new request."""
        return self.stage.next_event_ms() is None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have every effect of the engine passed on; call what is returned to end that."""
        return self.engine.subscribe(listener)

    def instances(self) -> Iterator[InstanceView]:
        """All instances that there are or were, in order of launch."""
        return self.engine.instances(terminated=True)


class DirectClient:
    """Batch by function call: `direct.submit_job(jobName=…)` answers as boto3's client does, without metadata."""

    def __init__(self, backend: BatchBackend, faults: Faults) -> None:
        self._backend = backend
        self._faults = faults

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        from batchiac.local.dispatch import answer

        operation = _operations_by_method().get(method)
        if operation is None:
            raise AttributeError(f"Batch has no operation {method}")
        backend, faults = self._backend, self._faults

        def call(**params: Any) -> dict[str, Any]:
            try:
                if faults.any_of_requests:
                    from batchiac.local.faults_in_process import meeting

                    with meeting(faults, "batch", operation):
                        return answer(backend, operation, params)
                return answer(backend, operation, params)
            except ApiError as error:
                from botocore.exceptions import ClientError

                response: Any = {
                    "Error": {"Code": error.code, "Message": error.message},
                    "ResponseMetadata": {"HTTPStatusCode": error.status},
                }
                raise ClientError(response, operation) from error

        self.__dict__[method] = call
        return call


@cache
def _session() -> Any:
    """One session for all stacks of the process: it keeps the service models, which take longest. moto is loaded by
    now, and has put its handler among botocore's own."""
    import botocore.session

    return botocore.session.Session()


@cache
def _operations_by_method() -> dict[str, str]:
    from botocore import xform_name

    from batchiac.local.dispatch import OPERATIONS

    return {xform_name(operation): operation for operation in OPERATIONS}
