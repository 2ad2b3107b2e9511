"""Whatever is sent to Batch, the answer is one that AWS could have given: no 500, no traceback, and the server goes on.

Requests are drawn from botocore's model of each operation and broken: values of other types, out of range, missing,
null, too long, unknown members, ids that mean nothing or something that exists; beside bodies that are no JSON at all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchiac.local.request_shape import service_model
from batchiac.local.server.run import Settings

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [
        "environment",
        "queue",
        "definition",
        "definition:1",
        "definition:x",
        "",
        "x" * 300,
        "arn:aws:batch:us-east-1:123456789012:job-queue/queue",
        "arn:aws:batch:us-east-1:123456789012:compute-environment/environment",
        "arn:aws:batch:eu-west-1:123456789012:job-queue/queue",
        "arn:",
        "a b/c:d#e",
        "ünïcode\x00\ud800",
        "00000000-0000-4000-a000-000000000000:7",
        "1",
        "-1",
        "0.25",
        "1e400",
        "99999999999999999999",
    ]
)
NUMBERS = st.sampled_from([0, 1, 2, -1, 5, 60, 1000, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 0.5, 1e300])


def of_shape(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that are often what the shape asks for, and often not."""
    kind = shape.type_name
    right: st.SearchStrategy[Any]
    if kind == "structure":
        if depth > 5:
            return ANYTHING
        members = {name: of_shape(member, depth + 1) for name, member in shape.members.items()}
        required = {name: members[name] for name in shape.required_members}
        optional = {name: member for name, member in members.items() if name not in required}
        right = st.fixed_dictionaries(required, optional=few(optional, depth))
    elif kind == "list":
        right = st.lists(of_shape(shape.member, depth + 1), max_size=2)
    elif kind == "map":
        right = st.dictionaries(NAMES.filter(bool), of_shape(shape.value, depth + 1), max_size=2)
    elif kind == "string":
        right = (st.sampled_from(shape.enum) | NAMES) if shape.enum else NAMES
    elif kind == "boolean":
        right = st.booleans()
    else:
        right = NUMBERS
    # One value in eight or so is of any other kind.
    return st.integers(0, 7).flatmap(lambda chance: ANYTHING if chance == 0 else right)


def few(optional: dict[str, Any], depth: int) -> dict[str, Any]:
    """All optional members at the top; deeper, the first eight, so that a request stays small."""
    return optional if depth == 0 else dict(list(optional.items())[:8])


OPERATIONS = tuple(service_model().operation_names)
SHAPES = {name: service_model().operation_model(name).input_shape for name in OPERATIONS}
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """Method, path and body of one request."""
    operation = draw(st.sampled_from(OPERATIONS))
    if operation not in STRATEGIES:
        STRATEGIES[operation] = of_shape(SHAPES[operation])
    http = service_model().operation_model(operation).http
    path = http["requestUri"].replace("{resourceArn}", draw(NAMES))
    method = http["method"]
    broken = draw(st.integers(0, 19))
    if broken == 0:
        return method, path, draw(st.binary(max_size=40))
    body = json.dumps(draw(STRATEGIES[operation])).encode()
    if broken == 1:
        return method, path, body[: len(body) // 2]
    if broken == 2:
        method = draw(st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "PATCH", "POST"]))
    if broken == 3:
        path = draw(st.sampled_from(["/", "/v1", "/v1/", "/v1/tags/", "/v1/submitjob/x", "/v2/submitjob", path + "/"]))
    return method, path, body


@pytest.fixture(scope="module")
def application() -> Iterator[Any]:
    """The server's application without its sockets, holding an environment, a queue, a definition and a job."""
    from batchiac.local.installation import uninstall
    from batchiac.local.server.assemble import assemble
    from batchiac.local.server.safety import Gate

    made = assemble(Settings(clock="auto", projections=False, warm=False), port=0, gate=Gate())
    resources = {
        "type": "EC2",
        "minvCpus": 0,
        "maxvCpus": 16,
        "instanceTypes": ["m5.large"],
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
        "instanceRole": "ecsInstanceRole",
    }
    container = {
        "image": "busybox",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
    }
    order = [{"order": 1, "computeEnvironment": "environment"}]
    for path, body in (
        (
            "createcomputeenvironment",
            {"computeEnvironmentName": "environment", "type": "MANAGED", "computeResources": resources},
        ),
        ("describecomputeenvironments", {}),
        ("createjobqueue", {"jobQueueName": "queue", "priority": 1, "computeEnvironmentOrder": order}),
        ("describejobqueues", {}),
        (
            "registerjobdefinition",
            {"jobDefinitionName": "definition", "type": "container", "containerProperties": container},
        ),
        ("submitjob", {"jobName": "job", "jobQueue": "queue", "jobDefinition": "definition"}),
    ):
        status, _, answer = send(made.application, "POST", f"/v1/{path}", json.dumps(body).encode())
        assert status == 200, answer
    yield made.application
    for end in made.ending:
        end()
    uninstall()


def send(application: Any, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    answer: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answer.update(status=int(status.split()[0]), headers=dict(headers))

    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"),
        "QUERY_STRING": "tagKeys=a&tagKeys=%FF&x=1" if method == "DELETE" else "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/batch/aws4_request, S=x",
        "wsgi.input": io.BytesIO(body),
    }
    raw = b"".join(application(environ, start_response))
    return answer["status"], answer["headers"], raw


def require_well_formed(application: Any, call: tuple[str, str, bytes]) -> None:
    status, headers, raw = send(application, *call)
    answer = json.loads(raw)
    assert status < 500, answer
    assert isinstance(answer, dict)
    assert headers["Content-Type"] == "application/json"
    assert headers["x-amzn-RequestId"]
    if status != 200:
        assert headers["x-amzn-ErrorType"]
        assert isinstance(answer["message"], str)
        assert "Traceback" not in answer["message"]


LENIENT = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


@given(call=calls())
@settings(max_examples=500, suppress_health_check=LENIENT)
def test_no_request_ends_in_anything_but_an_answer(application: Any, call: tuple[str, str, bytes]) -> None:
    """Five hundred requests in CI."""
    require_well_formed(application, call)


@pytest.mark.slow
@given(call=calls())
@settings(max_examples=10_000, suppress_health_check=LENIENT)
def test_ten_thousand_requests_end_in_an_answer(application: Any, call: tuple[str, str, bytes]) -> None:
    """Slow because hypothesis draws 10,000 deep structures."""
    require_well_formed(application, call)


def test_the_server_still_serves(application: Any) -> None:
    """After all of that a plain request is answered as ever."""
    assert send(application, "POST", "/v1/describejobqueues", b"{}")[0] == 200
