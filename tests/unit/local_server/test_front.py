"""The HTTP front: which request is whose, and what a client gets to see."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from batchiac.local.api_error import ApiError
from batchiac.local.server.batch_route import find_operation, new_request_id, read_scope
from batchiac.local.server.safety import Gate, require_bind, require_host_name

ARN = "arn:aws:batch:eu-west-1:123456789012:job-queue/q"
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/batch/aws4_request, SignedHeaders=h"}


def post(front: Any, path: str, body: Any, *, method: str = "POST", **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(front.address.removeprefix("http://"), timeout=10)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    return response.status, json.loads(raw) if raw[:1] in (b"{", b"[") else raw


def test_a_batch_request_reaches_its_operation_with_its_input(front: Any) -> None:
    """boto3's request arrives under the model's names, in the region of its signature, and the answer goes back."""
    front.outcome = lambda operation, params: {"jobName": "j", "jobId": "1", "jobArn": "é"}
    answer = front.client("batch").submit_job(jobName="j", jobQueue="q", jobDefinition="d")
    assert (answer["jobId"], answer["jobArn"]) == ("1", "é")
    params = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}
    assert front.calls == [("123456789012", "eu-west-1", "SubmitJob", params)]


def test_tag_operations_take_path_and_query(front: Any) -> None:
    """The ARN comes from the path, the keys from the query, with their escapes undone."""
    batch = front.client("batch")
    front.outcome = lambda operation, params: {"tags": {}} if operation == "ListTagsForResource" else {}
    batch.list_tags_for_resource(resourceArn=ARN)
    batch.tag_resource(resourceArn=ARN, tags={"a b": "ü"})
    batch.untag_resource(resourceArn=ARN, tagKeys=["a b", "c&d"])
    assert [call[2:] for call in front.calls] == [
        ("ListTagsForResource", {"resourceArn": ARN}),
        ("TagResource", {"resourceArn": ARN, "tags": {"a b": "ü"}}),
        ("UntagResource", {"resourceArn": ARN, "tagKeys": ["a b", "c&d"]}),
    ]


def test_a_refusal_reaches_boto3_as_awss(front: Any) -> None:
    """Class, status and text are those of the refusal, and there is a request id."""

    def refuse(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        raise ApiError("ClientException", 400, "Object already exists")

    front.outcome = refuse
    with pytest.raises(ClientError) as caught:
        front.client("batch").describe_job_queues()
    response = caught.value.response
    assert response["Error"] == {"Message": "Object already exists", "Code": "ClientException"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RequestId"]


def test_our_own_bug_is_a_well_formed_server_error(front: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """The client gets a ServerException, the server's output the traceback, and the server goes on."""

    def fail(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("deliberate")

    front.outcome = fail
    status, answer = post(front, "/v1/describejobqueues", {}, **SIGNED)
    assert (status, "traceback" in answer["message"]) == (500, True)
    assert "deliberate" in capfd.readouterr().err
    front.outcome = lambda operation, params: {}
    assert post(front, "/v1/describejobqueues", {}, **SIGNED) == (200, {})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/submitjob", b"{", 400),
        ("/v1/submitjob", b"[]", 400),
        ("/v1/submitjob", b"\xff\xfe", 400),
        ("/v1/submitjob", b'{"jobName": "\\ud800"}', 400),
        ("/v1/submitjob", b'{"jobName": NaN}', 400),
        ("/v1/submitjob", b'{"a":' * 100_000, 400),
        ("/v1/submitjob", b" " * 1_048_577, 413),
        ("/v1/nosuchthing", b"{}", 404),
        ("/", b"{}", 404),
        ("/v1/tags/", b"{}", 404),
    ],
)
def test_what_is_no_request_is_refused_well_formed(front: Any, path: str, body: bytes, status: int) -> None:
    """No body and no path reaches a handler that the model does not have."""
    found, answer = post(front, path, body, **SIGNED)
    assert (found, list(answer), front.calls) == (status, ["message"], [])


def test_an_unsigned_batch_request_is_refused(front: Any) -> None:
    """Without a signature nothing says that it is Batch's; AWS asks for a token."""
    assert post(front, "/v1/submitjob", {})[0] == 403


def test_other_services_are_motos(front: Any) -> None:
    """EC2 and STS answer behind the same address, with our placement groups."""
    ec2 = front.client("ec2")
    ec2.create_placement_group(GroupName="mpi", Strategy="cluster")
    assert [each["GroupName"] for each in ec2.describe_placement_groups()["PlacementGroups"]] == ["mpi"]
    ec2.delete_placement_group(GroupName="mpi")
    assert front.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert front.calls == []


def test_an_action_that_moto_lacks_is_one_error_without_retry(front: Any) -> None:
    """501, in the protocol of the request."""
    with pytest.raises(ClientError) as caught:
        front.client("ec2").describe_elastic_gpus()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_clock_moves_when_told(front: Any) -> None:
    """By seconds, until idle, and not at all when it runs by itself."""
    assert post(front, "/_batchiac/clock", {"advance_s": 1.5}) == (200, {"now_ms": 2_500})
    assert post(front, "/_batchiac/clock", {"run_until": "idle"}) == (200, {"now_ms": 9_999})
    for wrong in ({}, {"advance_s": -1}, {"advance_s": True}, {"advance_s": "1"}, {"run_until": "noon"}, {"x": 1}):
        assert post(front, "/_batchiac/clock", wrong)[0] == 400
    front.stack.moves = False
    assert post(front, "/_batchiac/clock", {"advance_s": 1})[0] == 400
    assert front.stack.now == 9_999


def test_control_paths_name_what_there_is(front: Any) -> None:
    """An unknown control path is a 404 that lists the known ones."""
    assert post(front, "/_batchiac/state", b"", method="GET") == (200, {"now_ms": 1_000})
    status, answer = post(front, "/_batchiac/nope", {})
    assert (status, "POST /_batchiac/clock" in answer["message"]) == (404, True)


def test_the_console_may_read_and_not_change(front: Any) -> None:
    """Its unsigned door takes reading operations only."""
    front.outcome = lambda operation, params: {"jobQueues": []}
    assert post(front, "/_batchiac/api/123456789012/eu-west-1/DescribeJobQueues", {}) == (200, {"jobQueues": []})
    assert post(front, "/_batchiac/api/123456789012/eu-west-1/SubmitJob", {})[0] == 400
    assert [call[1:3] for call in front.calls] == [("eu-west-1", "DescribeJobQueues")]
    assert post(front, "/_batchiac/timeline/1/r", b"", method="GET") == (200, {"points": ["1", "r"]})
    log = {"events": ["1", "r", "", "a/b"]}
    assert post(front, "/_batchiac/log/1/r?stream=a%2Fb", b"", method="GET") == (200, log)
    assert post(front, "/_batchiac/environment/1/r/e", b"", method="GET") == (200, {"name": ["1", "r", "e"]})
    assert post(front, "/_batchiac/history/1/r/j%230", b"", method="GET") == (200, {"steps": ["1", "r", "j#0"]})
    asked = {"asked": ["1", "r", "j:0", 2, "default", "task"]}
    assert post(front, "/_batchiac/metadata/1/r/j%3A0/2/default/task", b"", method="GET") == (200, asked)
    for wrong in (
        *("timeline", "timeline/1", "log/1/r/x", "timeline//r", "environment/1/r", "history/1/r/j/x"),
        *("metadata/1/r/j/x/default", "metadata/1/r/j/1"),
    ):
        assert post(front, f"/_batchiac/{wrong}", b"", method="GET")[0] == 400


def test_a_foreign_page_cannot_use_the_control_paths(front: Any) -> None:
    """Neither by its Origin, nor by a host name that points here, nor as a cross-site request."""
    port = front.address.rpartition(":")[2]
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{int(port) + 1}"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert post(front, "/_batchiac/clock", {"advance_s": 1}, **headers)[0] == 403
    assert front.stack.now == 1_000
    own = {"Origin": front.address, "Sec-Fetch-Site": "same-origin"}
    assert post(front, "/_batchiac/clock", {"advance_s": 1}, **own)[0] == 200


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Host": "evil.example"},
    {"Host": "evil.example", "Origin": "http://evil.example"},
    {"Host": "127.0.0.1.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_stack_that_runs_processes_answers_no_foreign_request(headers: dict[str, str]) -> None:
    """Neither Batch's paths nor moto's nor ours: a job would be a command on this machine."""
    from .conftest import Front

    front = Front(gate_all=True)
    try:
        assert post(front, "/v1/describejobqueues", {}, **SIGNED, **headers)[0] == 403
        assert post(front, "/", b"Action=DescribeVpcs", **headers)[0] == 403
        assert post(front, "/_batchiac/clock", {"advance_s": 1}, **headers)[0] == 403
        assert front.calls == []
        assert post(front, "/v1/describejobqueues", {}, **SIGNED) == (200, {})
    finally:
        front.end()


def test_a_foreign_page_cannot_use_the_aws_paths_either(front: Any) -> None:
    """A page of this machine may: a front end under development, on another port."""
    for origin in ("https://evil.example", "null", "http://localhost.evil.example:4566"):
        assert post(front, "/v1/describejobqueues", {}, **SIGNED, Origin=origin)[0] == 403
    query = "/?Action=CreateVpc&CidrBlock=10.0.0.0/16"
    assert post(front, query, b"", method="GET", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert front.calls == []
    own = {**SIGNED, "Origin": "http://localhost:3000"}
    assert post(front, "/v1/describejobqueues", {}, **own) == (200, {})
    assert post(front, "/v1/describejobqueues", {}, **SIGNED, Host="batch.us-east-1.amazonaws.com") == (200, {})


def test_motos_own_control_path_is_gated_like_ours(front: Any) -> None:
    """It forgets everything when asked to, unsigned."""
    for headers in FOREIGN:
        assert post(front, "/moto-api/reset", b"", **headers)[0] == 403
    assert post(front, "/moto-api/data.json", b"", method="GET")[0] == 200


def test_every_other_path_has_a_limit_to_its_size() -> None:
    """A body that is larger than it ends with 413 before moto sees it, whether its length was said or not."""

    from .conftest import Front

    front = Front(max_request_mib=1)
    try:
        assert post(front, "/bucket/key", b" " * 1_048_577, method="PUT")[0] == 413
        connection = http.client.HTTPConnection(front.address.removeprefix("http://"), timeout=10)
        pieces = (b" " * 65_536 for _ in range(17))
        connection.request("PUT", "/bucket/key", pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert post(front, "/v1/describejobqueues", {}, **SIGNED) == (200, {})
    finally:
        front.end()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_a_bind_beyond_this_machine_needs_a_flag_and_says_what_it_exposes(host: str) -> None:
    """Refused without the flag, warned of with it, refused either way while jobs are real processes."""
    from batchiac.errors import UsageError

    with pytest.raises(UsageError, match="--expose"):
        require_bind(host, exposed=False, runs_processes=False)
    assert "without credentials" in require_bind(host, exposed=True, runs_processes=False)
    with pytest.raises(UsageError, match="--executor process"):
        require_bind(host, exposed=True, runs_processes=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_a_loopback_bind_is_silent(host: str) -> None:
    """Nothing to warn of."""
    assert require_bind(host, exposed=False, runs_processes=True) == ""


def test_the_gate_knows_the_names_of_this_machine() -> None:
    """Loopback names with and without port, IPv6 in brackets, and the bound name."""
    gate = Gate(("stack.internal",))
    for host in ("127.0.0.1:1", "localhost", "[::1]:4566", "bucket.localhost:4566", "stack.internal:80"):
        assert gate.refusal({"HTTP_HOST": host}) == ""
    for host in ("", "127.0.0.1.evil.example", "[::1", "evil-localhost", "192.168.1.5:4566"):
        assert gate.refusal({"HTTP_HOST": host})


def test_a_server_for_others_is_asked_by_address_or_by_an_allowed_name() -> None:
    """A numerical address is nobody's to point here; a name may be anybody's."""
    gate = Gate(("0.0.0.0", "batchiac"), any_address=True)
    for host in ("192.168.1.5:4566", "[fe80::1]:4566", "batchiac:4566", "BATCHIAC", "localhost"):
        assert gate.refusal({"HTTP_HOST": host}) == ""
    assert "--allow-host" in gate.refusal({"HTTP_HOST": "evil.example"})
    assert gate.refusal({"HTTP_HOST": "192.168.1.5:4566", "HTTP_ORIGIN": "http://192.168.1.6:4566"})


@pytest.mark.parametrize("name", ["", "a:1", "http://a", "a/b", "a b@c"])
def test_an_allowed_host_is_a_bare_name(name: str) -> None:
    """What no request's host could be is refused when the server starts."""
    from batchiac.errors import UsageError

    with pytest.raises(UsageError, match="--allow-host"):
        require_host_name(name)
    assert require_host_name("Stack.Internal") == "stack.internal"


def test_every_operation_of_the_model_has_its_route() -> None:
    """Method and path of each operation lead back to it."""
    from batchiac.local.request_shape import service_model

    model = service_model()
    for name in model.operation_names:
        http_of = model.operation_model(name).http
        path = http_of["requestUri"].replace("{resourceArn}", ARN)
        assert find_operation(http_of["method"], path) == name


def test_the_scope_is_read_from_header_and_query() -> None:
    """Malformed signatures are nobody's; a key may hold slashes."""
    header = "AWS4-HMAC-SHA256 Credential=a/b/20260101/us-east-1/Batch/aws4_request, SignedHeaders=h, Signature=s"
    scope = read_scope({"HTTP_AUTHORIZATION": header})
    assert scope is not None
    assert (scope.access_key, scope.region, scope.service) == ("a/b", "us-east-1", "batch")
    query = "X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    signed = read_scope({"QUERY_STRING": query})
    assert signed is not None
    assert signed.service == "s3"
    for wrong in ({}, {"HTTP_AUTHORIZATION": "AWS k:s"}, {"HTTP_AUTHORIZATION": "x Credential=a/b"}):
        assert read_scope(wrong) is None


def test_request_ids_differ_and_look_like_uuids() -> None:
    """No two requests of a process share one."""
    from uuid import UUID

    ids = [new_request_id() for _ in range(5_000)]
    assert len(set(ids)) == len(ids)
    assert str(UUID(ids[-1])) == ids[-1]


def test_a_lost_answer_breaks_the_connection_after_the_effect(front: Any) -> None:
    """The handler was called, and the client meets a closed connection, once."""
    front.outcome = lambda operation, params: {"jobQueues": []}
    front.faults.add("lost_answer", service="batch", times=1)
    with pytest.raises(HTTPClientError):
        front.client("batch").describe_job_queues()
    assert front.client("batch").describe_job_queues()["jobQueues"] == []
    assert len(front.calls) == 2
