"""The world of crash_world.py with Pulumi's CLI for a deployer: `pulumi up` and `pulumi destroy`, killed as a whole.

The account process answers the CLI's AWS calls over HTTP on loopback, and kills the session of the CLI, its engine,
language host and providers, at the n-th of them.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve
from crash_world import Outcome, Phase, Stage, in_a_fork
from killing import Account, Answer, Proxy, kill_session, proxied

from batchiac.testing import TestStack

POLL_S, CALL_S = 10.0, 0.5
"""How far a call moves the account's clock: one that was among the last few before asks again for what takes time."""

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
_GLOBAL = ("iam", "sts")


def account_in_process(stack: TestStack) -> Account:
    """The stack of this process for those who speak HTTP, as moto answers botocore in it."""
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.compat import HTTPHeaders
    from moto.core.models import botocore_stubber

    lately: deque[tuple[str, bytes]] = deque(maxlen=6)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        scope = _SCOPE.search(headers["Authorization"])
        assert scope is not None, headers
        region, service = scope.groups()
        host = f"{service}.amazonaws.com" if service in _GLOBAL else f"{service}.{region}.amazonaws.com"
        stack.clock.advance(POLL_S if (path, body) in lately else CALL_S)
        lately.append((path, body))
        sent = HTTPHeaders()
        for name, value in {**headers, "Host": host}.items():
            sent[name] = value
        request = AWSPreparedRequest(method, f"https://{host}{path}", sent, body, False)
        found = botocore_stubber("before-send", request)
        return found.status_code, list(found.headers.items()), found.content

    return answer


class PulumiStage(Stage):
    """One phase, with its account as it is before the CLI acts. What it begins with is deployed by our own engine."""

    def __init__(self, phase: Phase, folder: Path, stack: TestStack) -> None:
        super().__init__(phase, folder, stack)
        self._venv = Path(sys.prefix)
        if phase.base is None:
            self._pulumi(self.project, self.base, "http://127.0.0.1:9", "stack", "init", "local").communicate()

    def death(self, number: int, moment: str) -> Outcome:
        """Let the CLI deploy, kill it at that call, and let it deploy again."""
        return in_a_fork(lambda: self._death(number, moment, self._folder / f"{moment}-{number}"))

    def undisturbed(self) -> Outcome:
        """What the act ends with when nothing happens to it."""
        return in_a_fork(lambda: self._death(0, "", self._folder / "undisturbed"))

    def _death(self, number: int, moment: str, folder: Path) -> Outcome:
        outcome = Outcome()
        try:
            shutil.copytree(self.project, folder, symlinks=True)
            shutil.rmtree(folder / ".state")
            shutil.copytree(self.base, folder / ".state")
            for path in (folder / ".venv", folder / "infra" / ".venv"):
                path.symlink_to(self._venv, target_is_directory=True)
            with proxied(account_in_process(self.stack)) as proxy:
                code, said = self._act(folder, proxy, number, moment)
                outcome = Outcome(proxy.made, code, "" if code in (0, -signal.SIGKILL) else said)
                if number:
                    _restore(folder / ".state/.pulumi/stacks/infra/local.json")
                    self._succeed(folder, proxy, "cancel", "--yes")
                    self._succeed(folder, proxy, self.phase.act, "--yes", "--skip-preview")
                elif code != 0:
                    return evolve(outcome, problem=said)
            found = self._there_is(outcome, folder / ".state")
            # The CLI keeps the intents of the dead run (`pulumi refresh --clear-pending-creates` drops them).
            return evolve(found, state={urn: each for urn, each in found.state.items() if urn != "pending"})
        except BaseException:
            return evolve(outcome, problem=traceback.format_exc())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _act(self, folder: Path, proxy: Proxy, number: int, moment: str) -> tuple[int, str]:
        process: list[subprocess.Popen[str]] = []
        started = threading.Event()

        def kill() -> None:
            started.wait()
            kill_session(process[0].pid)

        proxy.arm(number, moment, kill)
        process.append(
            self._pulumi(folder, folder / ".state", proxy.address, self.phase.act, "--yes", "--skip-preview")
        )
        started.set()
        said, _ = process[0].communicate(timeout=300)
        proxy.disarm()
        return process[0].returncode, said

    def _succeed(self, folder: Path, proxy: Proxy, *command: str) -> None:
        process = self._pulumi(folder, folder / ".state", proxy.address, *command)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said

    def _pulumi(self, folder: Path, state: Path, endpoint: str, *command: str) -> subprocess.Popen[str]:
        chosen = () if command[0] == "stack" else ("--stack", "local")
        return subprocess.Popen(
            ("pulumi", *command, *chosen, "--non-interactive"),
            cwd=folder,
            env={
                **os.environ,
                "AWS_ENDPOINT_URL": endpoint,
                "PULUMI_BACKEND_URL": f"file://{state}",
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "NO_COLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _restore(checkpoint: Path) -> None:
    """The CLI replaces its checkpoint at one stroke, but not the attributes that its storage keeps beside it: killed in
    between it leaves an empty file, and refuses to load ("failed to load checkpoint: EOF"). Without one it does."""
    beside = checkpoint.with_name(f"{checkpoint.name}.attrs")
    if beside.exists() and not beside.read_bytes():
        beside.unlink()
