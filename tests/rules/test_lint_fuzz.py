"""Any document, however its parts are exchanged, is read and checked, or refused in one sentence: never a traceback."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batchiac.errors import UserError
from batchiac.rules import check_request, check_stack
from batchiac.rules.read.guard import Parsed
from batchiac.rules.read.recognize import read_document
from batchiac.rules.read.request import read_request

_TOKEN = "aws:batch/jobQueue:JobQueue"
_JQ = "aws_batch_job_queue"
_CONTAINER = {
    "image": "b",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}],
    "environment": [{"name": "a", "value": "b"}],
    "volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "f", "authorizationConfig": {"iam": "x"}}}],
    "linuxParameters": {"tmpfs": [{"size": 1}], "swappiness": 1},
    "mountPoints": [{"sourceVolume": "v"}],
}

DOCUMENTS: list[Any] = [
    {
        "format_version": "1.2",
        "resource_changes": [
            {
                "address": f"module.m[0].{_JQ}.q[0]",
                "module_address": "module.m[0]",
                "type": _JQ,
                "name": "q",
                "index": 0,
                "mode": "managed",
                "change": {
                    "after": {"name": "q", "compute_environment_order": [{"order": 1}], "tags": {"a": "b"}},
                    "after_unknown": {"compute_environment_order": [{"compute_environment": True}]},
                    "after_sensitive": {"tags": {}},
                },
            },
            {
                "address": "aws_batch_job_definition.d",
                "type": "aws_batch_job_definition",
                "name": "d",
                "change": {"after": {"name": "d", "type": "container", "container_properties": json.dumps(_CONTAINER)}},
            },
            {
                "address": "aws_launch_template.t",
                "type": "aws_launch_template",
                "name": "t",
                "change": {"after": {"name": "t", "network_interfaces": [{"security_groups": ["sg"]}]}},
            },
        ],
        "configuration": {
            "root_module": {
                "module_calls": {
                    "m": {
                        "expressions": {"x": {"references": ["aws_launch_template.t.id"]}},
                        "module": {
                            "resources": [
                                {
                                    "type": _JQ,
                                    "name": "q",
                                    "expressions": {
                                        "compute_environment_order": [
                                            {"compute_environment": {"references": ["var.x"]}}
                                        ]
                                    },
                                }
                            ]
                        },
                    }
                }
            }
        },
    },
    {
        "config": {"batchiac:region": "x"},
        "steps": [
            {
                "op": "create",
                "newState": {
                    "urn": f"urn:pulumi:s::p::{_TOKEN}::q",
                    "type": _TOKEN,
                    "inputs": {"name": "q", "computeEnvironmentOrders": [{"order": 1, "computeEnvironment": "e"}]},
                    "propertyDependencies": {"computeEnvironmentOrders": [f"urn:pulumi:s::p::{_TOKEN}::q"]},
                },
            }
        ],
    },
    {
        "Mappings": {"A": {"b": {"c": 1}}},
        "Resources": {
            "Env": {
                "Type": "AWS::Batch::ComputeEnvironment",
                "Properties": {
                    "Type": "MANAGED",
                    "UpdatePolicy": {"TerminateJobsOnUpdate": True},
                    "ComputeResources": {
                        "Type": "EC2",
                        "MaxvCpus": {"Fn::FindInMap": ["A", "b", "c"]},
                        "InstanceTypes": ["m5"],
                        "LaunchTemplate": {
                            "LaunchTemplateId": {"Ref": "T"},
                            "Overrides": [{"TargetInstanceTypes": []}],
                        },
                        "Subnets": {"Fn::Split": [",", {"Fn::Join": [",", ["a", "b"]]}]},
                    },
                },
            },
            "T": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": "eA=="}}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
            "Job": {
                "Type": "AWS::Batch::JobDefinition",
                "Properties": {
                    "Type": "multinode",
                    "NodeProperties": {
                        "NumNodes": 2,
                        "MainNode": 0,
                        "NodeRangeProperties": [{"TargetNodes": "0:", "Container": {"Image": "b"}}],
                    },
                    "RetryStrategy": {"Attempts": 1, "EvaluateOnExit": [{"Action": "EXIT", "OnReason": "*"}]},
                },
            },
            "Queue": {
                "Type": "AWS::Batch::JobQueue",
                "Properties": {
                    "Priority": {"Fn::Sub": ["${a}", {"a": 1}]},
                    "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Fn::GetAtt": ["Env", "Arn"]}}],
                },
            },
        },
    },
]

REQUESTS: list[tuple[str, Any]] = [
    ("RegisterJobDefinition", {"jobDefinitionName": "d", "type": "container", "containerProperties": _CONTAINER}),
    (
        "RegisterJobDefinition",
        {
            "jobDefinitionName": "d",
            "type": "container",
            "platformCapabilities": ["FARGATE"],
            "ecsProperties": {
                "taskProperties": [
                    {"containers": [{"name": "a", "dependsOn": [{"containerName": "a", "condition": "START"}]}]}
                ]
            },
        },
    ),
    (
        "RegisterJobDefinition",
        {
            "eksProperties": {
                "podProperties": {
                    "containers": [
                        {
                            "resources": {
                                "limits": {"cpu": "1", "memory": "4Mi", "nvidia.com/gpu": "1"},
                                "requests": {"cpu": "1"},
                            },
                            "securityContext": {"seccompProfile": {"type": "x"}, "capabilities": {"add": ["A"]}},
                            "volumeMounts": [{"name": "v"}],
                        }
                    ],
                    "metadata": {"labels": {"a": "b"}, "annotations": {"a/b": "c"}, "namespace": "n"},
                }
            }
        },
    ),
    (
        "SubmitJob",
        {
            "jobName": "j",
            "arrayProperties": {"size": 2},
            "dependsOn": [{"jobId": "x", "type": "N_TO_N"}],
            "containerOverrides": {"command": ["a"], "environment": [{"name": "a"}]},
            "retryStrategy": {"attempts": 2, "evaluateOnExit": [{"action": "RETRY", "onReason": "*"}]},
        },
    ),
    ("ListJobs", {"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": ["a"]}], "maxResults": 1}),
    ("SubmitServiceJob", {"jobName": "j", "serviceRequestPayload": "{}", "retryStrategy": {"attempts": 1}}),
]

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "*", "Ref", "0:", "a:b", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "arn:aws:x", "module.m", "1e5", "☃"]
    ),
    st.text(max_size=5),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["Ref", "Fn::Sub", "Fn::Join", "Type", "name", "references", "x"]), inner, max_size=2
        ),
    ),
    max_leaves=5,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [here] if here else []
    if isinstance(value, dict):
        for key, each in value.items():
            found += paths(each, (*here, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            found += paths(each, (*here, index))
    return found


def exchanged(document: Any, changes: list[tuple[int, Any]]) -> Any:
    """The document with the values at some of its places exchanged."""
    for number, value in changes:
        document = copy.deepcopy(document)
        places = paths(document)
        if not places:
            break
        *way, last = places[number % len(places)]
        at = document
        for step in way:
            at = at[step]
        at[last] = value
    return document


CHANGES = st.lists(st.tuples(st.integers(0, 10_000), values), min_size=1, max_size=3)


@settings(max_examples=150)
@given(st.sampled_from(DOCUMENTS), CHANGES)
def test_an_exchanged_document_is_checked_or_refused(document: Any, changes: list[tuple[int, Any]]) -> None:
    """Wrong types, wrong references and foreign values anywhere end in findings or in one sentence."""
    value = exchanged(document, changes)
    try:
        read = read_document(Parsed("doc", "", value, "JSON"))
    except UserError as error:
        assert "\n" not in error.message
        return
    for finding in check_stack(read.declared):
        assert finding.message


@settings(max_examples=150)
@given(st.sampled_from(REQUESTS), CHANGES)
def test_an_exchanged_request_is_checked(request: tuple[str, Any], changes: list[tuple[int, Any]]) -> None:
    """No request makes a rule fall over."""
    operation, members = request
    for finding in check_request(operation, read_request(exchanged(members, changes), "doc", operation)):
        assert finding.message
