"""The door: where calls go, with whose credentials, and what a refusal looks like."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from batchiac.aws import Door
from batchiac.errors import AwsRefusal, ConfigError, RefusedError
from batchiac.model.target import Target
from batchiac.testing import local_stack

HERE = Target("local", "us-east-1", in_process=True)


def test_importing_the_door_imports_no_boto3() -> None:
    """A preview without calls pays for no AWS client."""
    code = "import sys, batchiac.aws, batchiac.provider; sys.exit('botocore' in sys.modules or 'boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_local_target_without_endpoint_is_refused() -> None:
    """Forgetting a variable never acts on a real account."""
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL"):
        Door(Target("local", "us-east-1")).client("batch")


def test_an_endpoint_that_does_not_answer_is_said_at_once() -> None:
    """The sentence names the address and how to start a local stack."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(AwsRefusal, match=rf"nothing answers at http://127\.0\.0\.1:{port} .*batchiac serve") as caught:
        Door(Target("local", "us-east-1", f"http://127.0.0.1:{port}")).client("batch")
    assert (caught.value.code, caught.value.exit_code) == ("Unreachable", 3)


def test_the_account_is_compared_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """With allowedAccountIds of another account no call but STS's leaves."""
    with local_stack() as stack:
        door = Door(Target("local", "us-east-1", None, ("111122223333",), in_process=True))
        with pytest.raises(RefusedError, match="belong to account 123456789012, this stack allows 111122223333"):
            door.client("batch").create_scheduling_policy(name="never")
        assert stack.client("batch").list_scheduling_policies()["schedulingPolicies"] == []


def test_the_account_is_known_and_asked_once() -> None:
    """The account comes from STS."""
    with local_stack():
        door = Door(Target("local", "us-east-1", None, ("123456789012",), in_process=True))
        assert door.account_id() == door.account_id() == "123456789012"


def test_a_refusal_carries_aws_own_words() -> None:
    """Operation, code, message and status are fields."""
    with local_stack(), pytest.raises(AwsRefusal) as caught:
        Door(HERE).client("ec2").describe_vpcs(VpcIds=["vpc-0123456789abcdef0"])
    assert caught.value.operation == "DescribeVpcs"
    assert caught.value.code == "InvalidVpcID.NotFound"
    assert caught.value.http_status == 400
    assert "vpc-0123456789abcdef0" in caught.value.aws_message


def test_a_wrong_parameter_is_a_refusal_too() -> None:
    """What botocore refuses before sending is told in one line."""
    with local_stack(), pytest.raises(AwsRefusal, match=r"ParamValidation: .*maxResults") as caught:
        Door(HERE).client("batch").describe_job_queues(maxResults="many")
    assert "\n" not in caught.value.message


def test_pages_are_followed() -> None:
    """`pages` goes on where an answer says that there is more."""
    with local_stack():
        client = Door(HERE).client("batch")
        for index in range(3):
            client.create_scheduling_policy(name=f"p{index}", fairsharePolicy={"shareDistribution": []})
        found = [each["arn"] for each in client.pages("list_scheduling_policies", "schedulingPolicies", maxResults=1)]
        assert len(found) == 3


def test_missing_credentials_of_a_real_account_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the sentence says how to get some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(AwsRefusal, match="AWS_PROFILE") as caught:
        Door(Target("aws", "us-east-1")).client("batch").describe_job_queues()
    assert caught.value.code == "NoCredentials"
