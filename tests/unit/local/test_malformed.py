"""Whatever a request holds, the answer is a response of the model's form or an error of AWS's classes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchiac.local.dispatch import OPERATIONS
from batchiac.local.request_shape import service_model
from batchiac.local.server.batch_route import find_operation
from batchiac.local.wire import respond
from batchiac.testing import local_stack

from .conftest import furnish

CODES = {
    400: {"ClientException", "SerializationException", "ValidationError"},
    403: {"UnrecognizedClientException"},
    404: {"UnknownOperationException"},
    413: {"RequestEntityTooLargeException"},
}
NAMES = [
    "ce",
    "q",
    "jd",
    "jd:1",
    "a",
    "",
    "arn:aws:batch:us-east-1:123456789012:job-queue/q",
    "sleep",
    "0:",
    "5",
    "-1",
    "é" * 3,
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just({"a": {"b": []}}),
)


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape, a few of them of another."""
    kind = shape.type_name
    if kind == "structure":
        required = {name: values(shape.members[name], depth + 1) for name in shape.required_members}
        optional = {
            name: values(member, depth + 1)
            for name, member in shape.members.items()
            if name not in shape.required_members
        }
        right = st.fixed_dictionaries(required, optional={} if depth > 4 else optional)
    elif kind == "list":
        right = st.lists(values(shape.member, depth + 1), max_size=2)
    elif kind == "map":
        right = st.dictionaries(st.sampled_from(NAMES), values(shape.value, depth + 1), max_size=2)
    elif kind == "string":
        right = st.sampled_from([*shape.enum, *NAMES]) if shape.enum else st.sampled_from(NAMES)
    elif kind == "boolean":
        right = st.booleans()
    else:
        right = st.sampled_from([-1, 0, 1, 2, 64, 100, 9_999, 2**31])
    return st.one_of(right, right, right, right, right, right, right, ODD) if depth else right


def requests() -> st.SearchStrategy[tuple[str, Any]]:
    """(operation, input) pairs."""
    model = service_model()
    return st.sampled_from(sorted(OPERATIONS)).flatmap(
        lambda name: st.tuples(st.just(name), values(model.operation_model(name).input_shape))
    )


def test_any_input_gets_an_answer_of_aws(caplog: Any) -> None:
    """No request makes an internal error, and the stack goes on."""
    import json

    paths = {name: service_model().operation_model(name).http for name in OPERATIONS}

    with local_stack(projections=False) as stack:
        furnish(stack)

        @settings(
            max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
        )
        @given(requests())
        def check(request: tuple[str, Any]) -> None:
            name, params = request
            http = paths[name]
            path, query, body = http["requestUri"], "", params
            if "{" in path:
                path = "/v1/tags/" + str(params.get("resourceArn") or "none").replace("/", "%2F")
                body = {key: value for key, value in params.items() if key == "tags"}
                query = "tagKeys=a" if params.get("tagKeys") else ""
            assert find_operation(http["method"], path) == name
            status, headers, text = respond(
                "123456789012", "us-east-1", http["method"], path, query, json.dumps(body).encode(), "id"
            )
            answer = json.loads(text)
            if status != 200:
                assert status in CODES, (name, params, text)
                assert headers["x-amzn-ErrorType"] in CODES[status], text
                assert answer["message"]
            stack.clock.advance(1)

        check()
        stack.clock.run_until_idle()
        assert stack.call("DescribeJobQueues")["jobQueues"]
    assert not [record for record in caplog.records if "bug of batchiac" in record.message]


def test_bodies_that_are_no_json_are_refused() -> None:
    """Half a body, a body too deep, one too large, and no object are AWS's errors."""
    with local_stack(projections=False):
        for body in (b"{", b"\xff", b"[" * 100_000, b"3", b'"a"', b"[]", b'{"a":' * 3_000, b"x" * 2_000_000):
            status, headers, _ = respond("123456789012", "us-east-1", "POST", "/v1/submitjob", "", body, "id")
            assert headers["x-amzn-ErrorType"] in CODES[status]
        status, headers, _ = respond("123456789012", "us-east-1", "POST", "/v1/nothing", "", b"", "id")
        assert (status, headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")
        status, headers, _ = respond("123456789012", "mars-1", "POST", "/v1/listjobs", "", b"", "id")
        assert (status, headers["x-amzn-ErrorType"]) == (403, "UnrecognizedClientException")
