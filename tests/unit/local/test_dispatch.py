"""Dispatch by botocore's model: nothing is missing, inputs are checked, outputs have the model's form."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import OPERATIONS
from batchiac.local.request_shape import read_request, service_model
from batchiac.local.server.batch_route import mutates
from batchiac.testing import TestStack


def test_every_operation_of_the_model_is_handled() -> None:
    """A botocore upgrade that brings an operation fails here until it is handled."""
    assert set(OPERATIONS) == set(service_model().operation_names)


def test_the_journal_and_the_table_agree_on_what_changes_anything() -> None:
    """What the server records is what the table says mutates."""
    assert {name for name, row in OPERATIONS.items() if row.mutates} == {name for name in OPERATIONS if mutates(name)}


def test_unknown_operation_is_404(stack: TestStack) -> None:
    """An operation that Batch does not have is AWS's UnknownOperationException."""
    with pytest.raises(ApiError) as refused:
        stack.call("MakeCoffee", {})
    assert (refused.value.code, refused.value.status) == ("UnknownOperationException", 404)


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({}, "ClientException", "Value null at 'jobName' failed to satisfy constraint: Member must not be null"),
        ({"jobName": 3}, "SerializationException", "NUMBER_VALUE can not be converted to a String at 'jobName'"),
        ({"jobName": True}, "SerializationException", "TRUE_VALUE can not be converted to a String"),
        ({"arrayProperties": []}, "SerializationException", "START_ARRAY can not be converted to a structure"),
        (
            {"timeout": {"attemptDurationSeconds": 2**40}},
            "SerializationException",
            "can not be converted to an Integer",
        ),
        ({"dependsOn": [{"type": "EVER"}]}, "ClientException", "enum value set: [N_TO_N, SEQUENTIAL]"),
        ({"tags": {str(n): "" for n in range(51)}}, "ValidationError", "length less than or equal to 50"),
        ([], "SerializationException", "START_ARRAY can not be converted to a structure"),
    ],
)
def test_input_that_the_model_forbids_is_refused_in_aws_terms(params: Any, code: str, text: str) -> None:
    """Wrong types are the deserializer's errors, broken constraints a ClientException with all of them."""
    with pytest.raises(ApiError) as refused:
        read_request("SubmitJob", params)
    assert refused.value.code == code
    assert refused.value.status == 400
    assert text in refused.value.message


def test_unknown_members_and_nulls_are_left_out() -> None:
    """What the model does not know is ignored, as AWS does; null is as good as absent."""
    request = {"jobName": "a", "jobQueue": "q", "jobDefinition": "d", "colour": "red", "tags": None}
    assert read_request("SubmitJob", request) == {"jobName": "a", "jobQueue": "q", "jobDefinition": "d"}


def test_a_handler_never_sees_the_callers_own_objects(stack: TestStack) -> None:
    """What a caller does with its dict afterwards changes nothing here."""
    container = {"image": "i", "command": ["true"], "vcpus": 1, "memory": 64}
    stack.call(
        "RegisterJobDefinition", {"jobDefinitionName": "d", "type": "container", "containerProperties": container}
    )
    container["image"] = "other"
    shown = stack.call("DescribeJobDefinitions")["jobDefinitions"][0]["containerProperties"]
    assert shown["image"] == "i"


def test_a_documented_rule_is_refused_in_aws_words(batch: Any) -> None:
    """The rules room's first certain error comes back as a ClientException."""
    with pytest.raises(ClientError, match="Error executing request, Exception : "):
        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", arrayProperties={"size": 10_001})


def test_alike_requests_are_judged_once_and_odd_names_always(batch: Any) -> None:
    """A good request judged before does not let a bad name through."""
    batch.submit_job(jobName="good", jobQueue="q", jobDefinition="jd")
    with pytest.raises(ClientError):
        batch.submit_job(jobName="-bad", jobQueue="q", jobDefinition="jd")
