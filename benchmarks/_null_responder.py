"""A floor: an application on waitress, as our server runs it, that reads its request and says one fixed thing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from batchiac.local.server.run import Server, Settings, bind, make_waitress

ANSWER = json.dumps(
    {
        "jobArn": "arn:aws:batch:us-east-1:123456789012:job/00000000-0000-0000-0000-000000000000",
        "jobName": "job",
        "jobId": "00000000-0000-0000-0000-000000000000",
    }
).encode()


def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]


if __name__ == "__main__":
    listening = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = Server(address, "", make_waitress(respond, listening, Settings()), [])
    print(f"ready {address}")
    sys.stdout.flush()
    server.run()
