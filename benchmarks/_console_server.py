"""A local stack with many jobs in one queue, for benchmarks.console: `python -m benchmarks._console_server JOBS`.

The jobs are put in without HTTP, which would take minutes.
"""

from __future__ import annotations

import sys
from typing import Any

from batchiac.local.dispatch import handle
from batchiac.local.server.run import Settings, make_server

PLACE = ("123456789012", "us-east-1")


def main(jobs: int) -> None:
    server = make_server(Settings(port=0, clock="virtual", projections=False, warm=False))
    serving = server.start()
    _look(server.address, "api/123456789012/us-east-1/DescribeJobQueues", b"{}")
    resources = {
        "type": "EC2",
        "minvCpus": 0,
        "maxvCpus": 2_000,
        "instanceTypes": ["m5.xlarge"],
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
        "instanceRole": "ecsInstanceRole",
    }
    _call("CreateComputeEnvironment", computeEnvironmentName="e", type="MANAGED", computeResources=resources)
    _look(server.address, "clock", b'{"advance_s": 60}')
    order = [{"order": 1, "computeEnvironment": "e"}]
    _call("CreateJobQueue", jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
    container = {"image": "i", "command": ["sleep", "60"], "resourceRequirements": sizes}
    _call("RegisterJobDefinition", jobDefinitionName="d", type="container", containerProperties=container)
    _look(server.address, "clock", b'{"advance_s": 60}')
    job_id = ""
    for number in range(jobs):
        job_id = _call("SubmitJob", jobName=f"job-{number}", jobQueue="queue", jobDefinition="d")["jobId"]
    _look(server.address, "clock", b'{"advance_s": 900}')
    print("ready", server.address, job_id, flush=True)
    serving.join()


def _call(operation: str, **params: Any) -> dict[str, Any]:
    return handle(*PLACE, operation, params)


def _look(address: str, path: str, body: bytes) -> None:
    import urllib.request

    urllib.request.urlopen(f"{address}/_batchiac/{path}", body, timeout=300).close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
