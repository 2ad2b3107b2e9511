"""Deployments: whole processes against the floor of their imports, many resources against the SDK's mock."""

from __future__ import annotations

import asyncio
import contextvars
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BATCHIAC = Path(sys.executable).parent / "batchiac"
FLOOR = (sys.executable, "-c", "import pulumi, boto3")
ROUNDS = 7
SIZES = (250, 1000, 2000)

PROGRAM = """
import os
import pulumi

class Thing(pulumi.CustomResource):
    arn: pulumi.Output[str]
    def __init__(self, logical, **props):
        super().__init__("pulumi-python:dynamic/batch:Thing", logical, {"__provider": "x", "arn": None, **props})

before = None
for number in range(int(os.environ["THINGS"])):
    before = Thing(
        f"t{number}",
        name=f"t{number}",
        computeResources={"maxvCpus": number, "instanceTypes": ["c5", "m5"], "subnets": ["subnet-1", "subnet-2"]},
        tags={"project": "bench", "stack": "dev"},
        ref=before.arn if number % 10 else "none",
    )
pulumi.export("last", before.arn)
"""
"""Chains of ten: as deep as a Batch stack is, as wide as the size allows."""


class _Instant:
    """A handler that costs nothing, so that what is measured is the deployment."""

    def check(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        from batchiac.model.handler import CheckResult

        return CheckResult(dict(inputs))

    def diff(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        from batchiac.model.handler import DiffResult, PropertyChange

        changed = (key for key, value in inputs.items() if state.get(key) != value)
        changes: Any = tuple(PropertyChange(key, "update", state.get(key), inputs[key]) for key in changed)
        return DiffResult(changes)

    def create(self, inputs: Mapping[str, Any]) -> Any:
        from batchiac.model.handler import CreateResult

        return CreateResult(f"id-{inputs['name']}", {**inputs, "arn": f"arn:{inputs['name']}"})


def figures() -> Iterator[dict[str, Any]]:
    """Every figure of this area."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _whole_processes(Path(folder))
    yield _in_process()
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            yield from _many(Path(folder), size)


def _figure(name: str, value: float, unit: str, at_most: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "at_most": at_most, "holds": value <= at_most}


def _seconds(command: tuple[str, ...], environ: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env={**environ}, check=True, capture_output=True, timeout=120)
    return time.perf_counter() - started


def _whole_processes(folder: Path) -> Iterator[dict[str, Any]]:
    server = subprocess.Popen(
        [str(BATCHIAC), "serve", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        address = next(line.split()[1] for line in server.stdout if line.startswith("ready "))
        environ = {
            **os.environ,
            "AWS_ENDPOINT_URL": address,
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            # Bytecode is kept, as in every installation: where PYTHONDONTWRITEBYTECODE is set, each process of an
            # editable install compiles all that is ours anew, and nothing of the floor.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        }
        up = (str(BATCHIAC), "up", "--stack", "local", "--yes")
        destroy = (str(BATCHIAC), "destroy", "--stack", "local", "--yes")
        # Warm: the server has imported what it needs, the files are in memory, the bytecode is there.
        _seconds(FLOOR, environ)
        _seconds(up, environ)
        _seconds(destroy, environ)
        floors, ups = [], []
        for _ in range(3):
            floors.append(_seconds(FLOOR, environ))
            ups.append(_seconds(up, environ))
            _seconds(destroy, environ)
        yield _figure(
            "deploy.up_from_nothing", statistics.median(ups) / statistics.median(floors), "x import pulumi, boto3", 6
        )
        _seconds(up, environ)
        preview = (str(BATCHIAC), "preview", "--stack", "local", "--expect-no-changes")
        floors, previews = [], []
        for _ in range(ROUNDS):
            floors.append(_seconds(FLOOR, environ))
            previews.append(_seconds(preview, environ))
        yield _figure(
            "deploy.preview_no_change",
            statistics.median(previews) / statistics.median(floors),
            "x import pulumi, boto3",
            1.8,
        )
    finally:
        server.terminate()
        server.wait(30)


def _in_process() -> dict[str, Any]:
    import pulumi  # noqa: F401  not part of what is measured

    from batchiac.aws.door import Door
    from batchiac.deploy import open_memory_stack, preview
    from batchiac.provider import HANDLERS

    stack = open_memory_stack(ROOT, "local", environ=os.environ)
    door = Door(stack.target)
    preview(stack, lambda token: HANDLERS[token](door))
    spent = [_cpu(lambda: preview(stack, lambda token: HANDLERS[token](door))) for _ in range(ROUNDS)]
    return _figure("deploy.preview_in_process", 1000 * min(spent), "ms of CPU", 100)


def _cpu(act: Callable[[], object]) -> float:
    """Seconds of CPU of what waits for nothing: an idle machine's wall clock shows the same, a busy one's chance."""
    started = time.process_time()
    act()
    return time.process_time() - started


def _many(folder: Path, size: int) -> Iterator[dict[str, Any]]:
    from batchiac.deploy import open_memory_stack, preview, up

    (folder / "Pulumi.yaml").write_text("name: bench\nmain: prog\nstackConfigDir: stacks\nruntime: python\n")
    (folder / "stacks").mkdir()
    (folder / "stacks/Pulumi.dev.yaml").write_text(
        "config: {batchiac:target: local, batchiac:region: us-east-1, batchiac:endpoint: 'http://127.0.0.1:9'}\n"
    )
    (folder / "prog").mkdir()
    (folder / "prog/__main__.py").write_text(PROGRAM)
    os.environ["THINGS"] = str(size)
    stack = open_memory_stack(folder, "dev", environ=os.environ)
    handler = _Instant()
    up_s = _cpu(lambda: up(stack, lambda _token: handler))  # type: ignore[arg-type, return-value]
    previews, mocks = [], []
    for _ in range(3):
        previews.append(_cpu(lambda: preview(stack, lambda _token: handler)))  # type: ignore[arg-type, return-value]
        mocks.append(_cpu(lambda: _under_the_mock(folder / "prog")))
    yield _figure(f"deploy.preview_of_{size}", min(previews) / min(mocks), "x the SDK's MockMonitor", 2)
    if size == 1000:
        yield _figure("deploy.up_of_1000", up_s / min(previews), "x its preview", 4)


def _under_the_mock(program: Path) -> None:
    """The same program under the SDK's own mock, in a thread of its own as ours is."""
    from google.protobuf import empty_pb2  # type: ignore[import-untyped]
    from pulumi import runtime
    from pulumi.runtime import mocks

    class Mocks(mocks.Mocks):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
            return f"id-{args.name}", {**args.inputs, "arn": f"arn:{args.name}"}

        def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
            return {}, None

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        monitor = mocks.MockMonitor(Mocks())
        features = set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures)  # type: ignore[no-untyped-call]
        runtime.configure(
            mocks.MockSettings(  # type: ignore[no-untyped-call]
                monitor=monitor,
                monitor_features=features,
                engine=mocks.MockEngine(None),
                project="bench",
                stack="dev",
                dry_run=True,
                organization="organization",
                callbacks=None,
            )
        )
        loop.run_until_complete(runtime.run_in_stack(lambda: _execute(program)))
        loop.close()

    thread = threading.Thread(target=lambda: contextvars.Context().run(run))
    thread.start()
    thread.join()


def _execute(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")
