"""What the SDK calls while a program runs: Pulumi's resource monitor and engine, answered in this process.

The SDK accepts any object with the methods of its gRPC stubs. Requests are protobuf messages; the classes for answers
come in as `protocol`, because `pulumi.runtime` is imported in program_host.py alone. Everything that an embedded engine
cannot do is refused in one sentence that names `pulumi up`. The list of methods is held against the installed SDK by
tests/unit/deploy/test_monitor_contract.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from attrs import field, frozen

from batchiac.deploy.registration import Registration, read_registration
from batchiac.deploy.steps import Diagnostic
from batchiac.deploy.values import fill_struct, from_struct
from batchiac.errors import UnsupportedError
from batchiac.rules.finding import NOT_YET_KNOWN


@frozen(eq=False)
class Answer:
    """What a program learns about the resource that it registered.

    Attributes:
        id: empty while it is not known.
        outputs: in our form; in a preview, what is missing is not known.
    """

    id: str = ""
    outputs: Mapping[str, Any] = field(factory=dict)


class Registrar(Protocol):
    """The deployment, as the monitor sees it. Called from many threads at once."""

    def register(self, goal: Registration) -> Answer: ...

    def register_outputs(self, urn: str, outputs: Mapping[str, Any]) -> None: ...

    def diagnose(self, diagnostic: Diagnostic) -> None: ...

    def renamed_parents(self) -> Mapping[str, str]: ...


FEATURES = (
    "SECRETS",
    "RESOURCE_REFERENCES",
    "ALIAS_SPECS",
    "DELETED_WITH",
    # Announced so that the program reaches us and is refused in our words: what the SDK says of a monitor without them
    # is "please update the Pulumi CLI".
    "REPLACE_WITH",
    "REPLACEMENT_TRIGGER",
    "TRANSFORMS",
    "INVOKE_TRANSFORMS",
    "PARAMETERIZATION",
    "RESOURCE_HOOKS",
    "ERROR_HOOKS",
    "STATE_MIGRATIONS",
)
"""Of the SDK's `RESOURCE_MONITOR_FEATURE_…`. OUTPUT_VALUES is left out: only remote components need it."""

SEVERITIES = ("debug", "info", "warning", "error")
"""By the SDK's `LogSeverity`."""


class Monitor:
    """The monitor and the engine of one run of one program.

    Attributes:
        failure: the first exception that an answer ended with; what the SDK makes of it later is only its echo.
    """

    def __init__(
        self,
        registrar: Registrar,
        protocol: Any,
        *,
        stack: str,
        project: str,
        root: str,
        on_failure: Callable[[], object] = lambda: None,
    ) -> None:
        """
        Args:
            on_failure: called once, on the thread that failed first.
        """
        self._registrar = registrar
        self._protocol = protocol
        self._stack = stack
        self._project = project
        self._root = root
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._parents: dict[str, Registration] = {}
        self.failure: BaseException | None = None

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            if self.failure is not None:
                return
            self.failure = error
        self._on_failure()

    def _refuse(self, what: str) -> NoReturn:
        error = UnsupportedError(
            f"the program uses {what}, which batchiac does not support: leave it out, or deploy this program with"
            " `pulumi up`"
        )
        self._failed(error)
        raise error

    # -- ResourceMonitor ----------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: N802  the protocol's name, as all of these
        names = self._protocol.ResourceMonitorFeature
        known = set(names.keys())
        prefix = "RESOURCE_MONITOR_FEATURE_"
        return self._protocol.DeploymentInfo(
            supportedFeatures=[names.Value(prefix + each) for each in FEATURES if prefix + each in known]
        )

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        # An SDK that asks feature by feature is older than the range in pyproject.toml; its names differ.
        wanted = "".join(f"_{each}" if each.isupper() else each.upper() for each in request.id)
        return self._protocol.SupportsFeatureResponse(hasSupport=wanted in FEATURES)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        try:
            goal = read_registration(
                request,
                stack=self._stack,
                project=self._project,
                renamed_parents=self._registrar.renamed_parents(),
                parent=self._parents.get(request.parent),
                root=self._root,
            )
            if goal.retain_on_delete or goal.deleted_with:
                # What children inherit. The SDK registers them when it knows their parent's URN, so after this.
                self._parents[goal.urn] = goal
            answer = self._registrar.register(goal)
            response = self._protocol.RegisterResourceResponse(urn=goal.urn, id=answer.id)
            fill_struct(response.object, answer.outputs)
        except BaseException as error:
            self._failed(error)
            raise
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        try:
            self._registrar.register_outputs(request.urn, from_struct(request.outputs, request.urn))
        except BaseException as error:
            self._failed(error)
            raise
        return self._empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        what = (
            f"a reference to another stack ({request.name})"
            if request.type == "pulumi:pulumi:StackReference"
            else f"{request.type}.get(), a read of an existing resource"
        )
        self._refuse(what)

    def ExistsResource(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"a look for an existing {request.type}")

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"the function {request.tok}")

    def Call(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"the method {request.tok}")

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802
        self._refuse("a stack transform")

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: N802
        self._refuse("a stack transform of functions")

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"the resource hook {request.name}")

    def RegisterErrorHook(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"the error hook {request.name}")

    def RegisterPackage(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"the parameterized package {request.name}")

    def SignalAndWaitForShutdown(self, request: Any) -> Any:  # noqa: N802
        return self._empty()

    # -- Engine -------------------------------------------------------------------------------------------------------

    def Log(self, request: Any) -> Any:  # noqa: N802
        severity = SEVERITIES[request.severity]
        if request.message.startswith(NOT_YET_KNOWN):
            # At level debug so that Pulumi's CLI shows it under --debug only; a plan as JSON lists it.
            severity = "info"
        if severity != "debug":  # the SDK tells every step of its own at level debug
            self._registrar.diagnose(Diagnostic(severity, request.message, request.urn))  # type: ignore[arg-type]
        return self._empty()

    def RequirePulumiVersion(self, request: Any) -> Any:  # noqa: N802
        self._refuse(f"require_pulumi_version({request.pulumi_version_range!r})")

    def GetRootResource(self, request: Any) -> Any:  # noqa: N802
        self._refuse("the engine's root resource")

    def SetRootResource(self, request: Any) -> Any:  # noqa: N802
        self._refuse("the engine's root resource")

    def StartDebugging(self, request: Any) -> Any:  # noqa: N802
        return self._empty()

    def _empty(self) -> Any:
        from google.protobuf import empty_pb2  # type: ignore[import-untyped]

        return empty_pb2.Empty()
