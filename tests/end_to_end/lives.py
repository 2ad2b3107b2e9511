"""Many lives of one server over one data folder, started in a fraction of a second each.

Starting a server means importing moto, which takes seconds; fifty of them would not fit into CI. So one process imports
everything once and forks a server for each life: a fork has no state of the lives before. Snapshots are taken all the
time (every fifth change, twenty times a second), so that kills meet them being written, and every start is held against
one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

_NURSERY = """
import json, os, signal, sys
from pathlib import Path
import moto.ec2.models, moto.iam.responses, moto.ec2.responses, moto.moto_server.werkzeug_app, waitress
import moto.stepfunctions.responses, moto.stepfunctions.parser.models
import batchiac.local.backend, batchiac.local.dispatch, batchiac.local.installation, batchiac.local.server.assemble
from batchiac.local.server.run import Settings, make_server
from batchiac.rules import check_request
batchiac.local.server.history.SNAPSHOT_EVERY = 5
batchiac.local.server.assemble.INTERVAL_S = batchiac.local.server.assemble.SYNC_S = 0.05
for operation in ("SubmitJob", "RegisterJobDefinition", "CreateJobQueue", "CreateComputeEnvironment", "TagResource"):
    check_request(operation, {})
    try:
        batchiac.local.dispatch.read_request(operation, {})
    except batchiac.local.dispatch.ApiError:
        pass  # what takes time is reading the model
from moto.core.utils import get_service_model
for service in ("ec2", "iam", "sts", "ssm"):
    get_service_model(service)
moto.ec2.models.ec2_backends["000000000000"]["us-east-1"]  # what takes time is the same for every account
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    if os.fork() == 0:
        try:
            settings = json.loads(line)
            settings["data"] = Path(settings["data"])
            server = make_server(Settings(port=0, seed=7, warm=False, **settings))
            signal.signal(signal.SIGTERM, lambda *_: server.stop())
            print(json.dumps({"address": server.address, "pid": os.getpid(), "said": server.warning}), flush=True)
            server.run()
            server.close()
            print(json.dumps({"ended": os.getpid()}), flush=True)
        except BaseException as error:
            print(json.dumps({"failed": str(error)}), flush=True)
        finally:
            os._exit(0)
"""


class Life:
    """One server, from its start to its end.

    Attributes:
        said: what it said of the data that it brought back.
    """

    def __init__(self, nursery: Nursery, started: dict[str, Any]) -> None:
        self.address: str = started["address"]
        self.said: str = started["said"]
        self._pid: int = started["pid"]
        self._nursery = nursery

    def client(self, service: str) -> Any:
        """A boto3 client that tries once."""
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30)
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.address, config=config)

    def control(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
        """Status and answer of a control path."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/_batchiac/{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        assert self.control("clock", {"advance_s": seconds})[0] == 200

    def kill(self) -> None:
        """kill -9."""
        os.kill(self._pid, signal.SIGKILL)

    def end(self) -> None:
        """SIGTERM, and wait until it has ended cleanly."""
        os.kill(self._pid, signal.SIGTERM)
        assert self._nursery.read() == {"ended": self._pid}


class Nursery:
    """Starts lives over one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, **settings: Any) -> Life:
        """A life with these settings of the server (`Settings`): in virtual time and without projections where nothing
        is said."""
        started = self.try_start(**settings)
        assert "address" in started, started
        return Life(self, started)

    def try_start(self, **settings: Any) -> dict[str, Any]:
        """What a start came to: `{"failed": "why"}` where the server refuses."""
        assert self._process.stdin is not None
        line = json.dumps({"clock": "virtual", "projections": False, "data": str(self.folder), **settings})
        # The one before was killed, but its lock goes only when the kernel has taken it away.
        for _ in range(100):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
            started = self.read()
            if "in use" not in started.get("failed", ""):
                return started
        raise AssertionError("the data folder stays locked")

    def read(self) -> dict[str, Any]:
        """The next thing that a life says."""
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def end(self) -> None:
        """End it; lives that still run go on until they are killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
