"""Foreign documents become declared resources in AWS's own names, with what is not yet known and what it leads to."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from batchiac.errors import UserError
from batchiac.model.unknown import UNKNOWN
from batchiac.rules.finding import Declared
from batchiac.rules.read.document import Document
from batchiac.rules.read.guard import Parsed, read_file
from batchiac.rules.read.recognize import read_document
from batchiac.rules.read.request import read_request, require_operation
from batchiac.rules.shapes import INPUTS

SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
OURS = "pulumi-python:dynamic/batch:"


def read(value: Any) -> Document:
    """The document that JSON values make."""
    return read_document(Parsed("doc.json", json.dumps(value), value, "JSON"))


def template(text: str, tmp_path: Path) -> Document:
    """The document that a YAML text makes."""
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    return read_document(read_file(str(path)))


def one(document: Document, kind: str) -> Declared:
    """Its only resource of a kind."""
    (found,) = [each for each in document.declared if each.kind == kind]
    return found


# --- Terraform ------------------------------------------------------------------------------------------------------


def change(address: str, after: dict[str, Any], unknown: Any = None, **more: Any) -> dict[str, Any]:
    """One entry of resource_changes."""
    tail = address.rpartition("module.")[2].partition(".")[2] if address.startswith("module.") else address
    kind, _, name = tail.partition(".")
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name.partition("[")[0],
        "change": {"actions": ["create"], "after": after, "after_unknown": unknown or {}, **more.pop("change", {})},
        **more,
    }


def plan(*changes: dict[str, Any], resources: Any = (), calls: Any = None) -> Document:
    """The document of a Terraform plan."""
    root = {"resources": list(resources), "module_calls": calls or {}}
    return read({"format_version": "1.2", "resource_changes": list(changes), "configuration": {"root_module": root}})


def expression(kind: str, name: str, **expressions: Any) -> dict[str, Any]:
    """One resource of the plan's configuration."""
    return {"type": kind, "name": name, "expressions": expressions}


CE = "aws_batch_compute_environment"
JQ = "aws_batch_job_queue"


def test_terraform_blocks_become_objects() -> None:
    """A block of one is the API's object, an absent one is absent, and computed attributes go."""
    found = one(
        plan(
            change(
                f"{CE}.a",
                {
                    "name": "a",
                    "type": "MANAGED",
                    "arn": "x",
                    "service_role": "",
                    "compute_resources": [
                        {
                            "max_vcpus": 4,
                            "min_vcpus": 0,
                            "instance_type": ["m5.large"],
                            "ec2_configuration": [],
                            "tags": {"a_b": "c"},
                        }
                    ],
                    "eks_configuration": [],
                    "tags_all": {},
                },
            )
        ),
        "ComputeEnvironment",
    )
    assert found.name == f"{CE}.a"
    assert found.inputs == {
        "computeEnvironmentName": "a",
        "type": "MANAGED",
        "computeResources": {"maxvCpus": 4, "minvCpus": 0, "instanceTypes": ["m5.large"], "tags": {"a_b": "c"}},
    }


def test_a_reference_leads_to_its_resource() -> None:
    """An unknown attribute of a nested block is UNKNOWN, and its expression says where it comes from."""
    document = plan(
        change(f"{CE}.a", {"name": "a"}),
        change(
            f"{JQ}.q",
            {"name": "q", "compute_environment_order": [{"order": 1}]},
            {"compute_environment_order": [{"compute_environment": True}]},
        ),
        resources=[
            expression(
                JQ, "q", compute_environment_order=[{"compute_environment": {"references": [f"{CE}.a.arn", f"{CE}.a"]}}]
            )
        ],
    )
    queue = one(document, "JobQueue")
    assert queue.inputs["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": UNKNOWN}]
    assert queue.references == {"computeEnvironmentOrder[0].computeEnvironment": f"{CE}.a"}


def test_the_older_list_of_environments_is_an_order() -> None:
    """`compute_environments = [a.arn, b.arn]` keeps its order, each element with its own resource."""
    document = plan(
        change(f"{CE}.a", {"name": "a"}),
        change(f"{CE}.b", {"name": "b"}),
        change(f"{JQ}.q", {"name": "q"}, {"compute_environments": [True, True]}),
        resources=[
            expression(
                JQ, "q", compute_environments={"references": [f"{CE}.b.arn", f"{CE}.b", f"{CE}.a.arn", f"{CE}.a"]}
            )
        ],
    )
    assert one(document, "JobQueue").references == {
        "computeEnvironmentOrder[0].computeEnvironment": f"{CE}.b",
        "computeEnvironmentOrder[1].computeEnvironment": f"{CE}.a",
    }


def test_references_are_followed_through_modules() -> None:
    """A variable of a module leads to the caller's expression, an output to the module's."""
    document = plan(
        change(f"module.env.{CE}.a", {"name": "a"}, module_address="module.env"),
        change(
            f'module.queue["x"].{JQ}.q',
            {"name": "q", "compute_environment_order": [{"order": 1}]},
            {"compute_environment_order": [{"compute_environment": True}]},
            module_address='module.queue["x"]',
        ),
        calls={
            "env": {
                "module": {
                    "resources": [expression(CE, "a")],
                    "outputs": {"arn": {"expression": {"references": [f"{CE}.a.arn", f"{CE}.a"]}}},
                }
            },
            "queue": {
                "expressions": {"environment": {"references": ["module.env.arn", "module.env"]}},
                "module": {
                    "resources": [
                        expression(
                            JQ,
                            "q",
                            compute_environment_order=[{"compute_environment": {"references": ["var.environment"]}}],
                        )
                    ]
                },
            },
        },
    )
    assert one(document, "JobQueue").references == {
        "computeEnvironmentOrder[0].computeEnvironment": f"module.env.{CE}.a"
    }


def test_a_plan_that_leads_to_itself_ends() -> None:
    """Variables in a circle are left unknown."""
    call = {
        "expressions": {"x": {"references": ["module.m.x"]}},
        "module": {
            "outputs": {"x": {"expression": {"references": ["var.x"]}}},
            "resources": [expression(JQ, "q", scheduling_policy_arn={"references": ["var.x"]})],
        },
    }
    document = plan(
        change(f"module.m.{JQ}.q", {"name": "q"}, {"scheduling_policy_arn": True}, module_address="module.m"),
        calls={"m": call},
    )
    assert one(document, "JobQueue").references == {}


def test_instances_of_one_for_each_are_paired() -> None:
    """`q["a"]` leads to `a["a"]` where both come of the same keys."""
    unknown = {"compute_environment_order": [{"compute_environment": True}]}
    after = {"name": "q", "compute_environment_order": [{"order": 1}]}
    document = plan(
        change(f'{CE}.a["a"]', {"name": "a"}),
        change(f'{CE}.a["b"]', {"name": "b"}),
        change(f'{JQ}.q["b"]', after, unknown, index="b"),
        resources=[
            expression(
                JQ, "q", compute_environment_order=[{"compute_environment": {"references": [f"{CE}.a", "each.key"]}}]
            )
        ],
    )
    assert set(one(document, "JobQueue").references.values()) == {f'{CE}.a["b"]'}


def test_sensitive_values_are_never_read() -> None:
    """What Terraform holds to be a secret is as unknown to us: a finding would print it."""
    entry = change(f"{CE}.a", {"name": "hunter2"}, change={"after_sensitive": {"name": True}})
    assert one(plan(entry), "ComputeEnvironment").inputs["computeEnvironmentName"] is UNKNOWN


def test_a_job_definitions_json_text_is_opened() -> None:
    """container_properties is an object; unknown as a whole it is UNKNOWN; a broken text is said."""
    good = change(
        "aws_batch_job_definition.d",
        {
            "name": "d",
            "type": "container",
            "container_properties": '{"image":"b","Vcpus":1}',
            "timeout": [{"attempt_duration_seconds": 60}],
        },
    )
    assert one(plan(good), "JobDefinition").inputs["containerProperties"] == {"image": "b", "vcpus": 1}
    assert one(plan(good), "JobDefinition").inputs["timeout"] == {"attemptDurationSeconds": 60}
    bad = plan(change("aws_batch_job_definition.d", {"name": "d", "container_properties": "{"}))
    assert one(bad, "JobDefinition").inputs["containerProperties"] is UNKNOWN
    assert "not the JSON text" in bad.notes[0]


def test_what_is_deleted_is_not_checked() -> None:
    """A resource without an `after` will not exist."""
    gone = change(f"{JQ}.old", {})
    gone["change"]["after"] = None
    assert [each.name for each in plan(change(f"{JQ}.q", {"name": "q"}), gone).declared] == [f"{JQ}.q"]


def test_a_launch_template_of_terraform_takes_the_apis_form() -> None:
    """Everything but the name moves to launchTemplateData, groups under the API's names."""
    entry = change(
        "aws_launch_template.t",
        {
            "name": "t",
            "user_data": "eA==",
            "image_id": "",
            "vpc_security_group_ids": ["sg-1"],
            "network_interfaces": [{"security_groups": ["sg-2"]}],
        },
    )
    found = one(plan(entry, change(f"{JQ}.q", {"name": "q"})), "LaunchTemplate")
    assert found.inputs == {
        "launchTemplateName": "t",
        "launchTemplateData": {
            "userData": "eA==",
            "securityGroupIds": ["sg-1"],
            "networkInterfaces": [{"groups": ["sg-2"]}],
        },
    }


# --- Pulumi ---------------------------------------------------------------------------------------------------------


def step(token: str, name: str, inputs: dict[str, Any], op: str = "create", **depends: list[str]) -> dict[str, Any]:
    """One step of a preview; `depends` maps a property to the URNs that it depends on."""
    urn = f"urn:pulumi:dev::p::{token}::{name}"
    return {
        "op": op,
        "urn": urn,
        "newState": {"urn": urn, "type": token, "inputs": inputs, "propertyDependencies": depends},
    }


def urn(token: str, name: str) -> str:
    """The URN that `step` makes."""
    return f"urn:pulumi:dev::p::{token}::{name}"


def test_our_own_resources_are_read_as_they_are() -> None:
    """Wire names stay, the provider's own key goes, sentinels and secrets are unknown."""
    document = read(
        {
            "config": {"batchiac:region": "x"},
            "steps": [
                step(
                    OURS + "ComputeEnvironment",
                    "env",
                    {"__provider": "x", "computeEnvironmentName": "e", "computeResources": {"tags": {"a": "[secret]"}}},
                ),
                step(
                    OURS + "JobQueue",
                    "q",
                    {"jobQueueName": "q", "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": SENTINEL}]},
                    computeEnvironmentOrder=[urn(OURS + "ComputeEnvironment", "env")],
                ),
            ],
        }
    )
    assert one(document, "ComputeEnvironment").inputs == {
        "computeEnvironmentName": "e",
        "computeResources": {"tags": {"a": UNKNOWN}},
    }
    queue = one(document, "JobQueue")
    assert queue.references == {"computeEnvironmentOrder[0].computeEnvironment": "env"}
    assert document.config == {"batchiac:region": "x"}


def test_pulumi_aws_resources_take_the_apis_names() -> None:
    """camelCase plurals, unwrapped blocks and JSON texts are turned into the API's."""
    document = read(
        {
            "steps": [
                step(
                    "aws:batch/computeEnvironment:ComputeEnvironment",
                    "e",
                    {
                        "__defaults": [],
                        "name": "e",
                        "computeResources": {
                            "minVcpus": 0,
                            "maxVcpus": 8,
                            "instanceTypes": ["m5.large"],
                            "ec2Configurations": [{"imageType": "ECS_AL2023"}],
                        },
                    },
                ),
                step(
                    "aws:batch/jobQueue:JobQueue",
                    "q",
                    {
                        "name": "q",
                        "computeEnvironmentOrders": [{"order": 1, "computeEnvironment": "e"}],
                        "jobStateTimeLimitActions": [{"maxTimeSeconds": 600}],
                    },
                ),
                step(
                    "aws:batch/jobDefinition:JobDefinition",
                    "d",
                    {
                        "name": "d",
                        "type": "container",
                        "containerProperties": '{"image": "b"}',
                        "retryStrategy": {"attempts": 2, "evaluateOnExits": [{"onReason": "*", "action": "EXIT"}]},
                    },
                ),
                step(
                    "aws:batch/schedulingPolicy:SchedulingPolicy",
                    "p",
                    {
                        "name": "p",
                        "fairSharePolicy": {
                            "shareDecaySeconds": 1,
                            "shareDistributions": [{"shareIdentifier": "a", "weightFactor": 1}],
                        },
                    },
                ),
            ]
        }
    )
    assert one(document, "ComputeEnvironment").inputs["computeResources"] == {
        "minvCpus": 0,
        "maxvCpus": 8,
        "instanceTypes": ["m5.large"],
        "ec2Configuration": [{"imageType": "ECS_AL2023"}],
    }
    assert one(document, "JobQueue").inputs["computeEnvironmentOrder"][0]["computeEnvironment"] == "e"
    assert one(document, "JobDefinition").inputs["retryStrategy"]["evaluateOnExit"][0]["action"] == "EXIT"
    assert one(document, "SchedulingPolicy").inputs["fairsharePolicy"]["shareDistribution"][0]["weightFactor"] == 1


def test_several_unknown_environments_are_paired_and_it_is_said() -> None:
    """A preview does not say which of two new environments stands first; a note does."""
    token = OURS + "ComputeEnvironment"
    order = [{"order": each, "computeEnvironment": SENTINEL} for each in (1, 2)]
    document = read(
        {
            "steps": [
                step(token, "a", {}),
                step(token, "b", {}),
                step(
                    OURS + "JobQueue",
                    "q",
                    {"computeEnvironmentOrder": order},
                    computeEnvironmentOrder=[urn(token, "a"), urn(token, "b")],
                ),
            ]
        }
    )
    assert sorted(one(document, "JobQueue").references.values()) == ["a", "b"]
    assert any("which of a, b stands where" in each for each in document.notes)


def test_two_roles_of_one_property_stay_unknown() -> None:
    """A definition's execution role and job role are for two services: nothing is guessed of them."""
    role = OURS + "Role"
    inputs = {"containerProperties": {"jobRoleArn": SENTINEL, "executionRoleArn": SENTINEL}, "jobDefinitionName": "d"}
    depends = [urn(role, "a"), urn(role, "b")]
    steps = [step(role, "a", {}), step(role, "b", {})]
    both = read({"steps": [*steps, step(OURS + "JobDefinition", "d", inputs, containerProperties=depends)]})
    assert one(both, "JobDefinition").references == {}
    same = read({"steps": [*steps, step(OURS + "JobDefinition", "d", inputs, containerProperties=depends[:1])]})
    assert set(one(same, "JobDefinition").references.values()) == {"a"}


def test_dependencies_of_one_property_do_not_reach_another() -> None:
    """The service role and the Spot Fleet role stand in two properties, each with its own dependency."""
    role = OURS + "Role"
    inputs = {"serviceRole": SENTINEL, "computeResources": {"spotIamFleetRole": SENTINEL}}
    environment = step(
        OURS + "ComputeEnvironment",
        "e",
        inputs,
        serviceRole=[urn(role, "service")],
        computeResources=[urn(role, "fleet")],
    )
    document = read({"steps": [step(role, "fleet", {}), step(role, "service", {}), environment]})
    assert one(document, "ComputeEnvironment").references == {
        "serviceRole": "service",
        "computeResources.spotIamFleetRole": "fleet",
    }


def test_steps_that_delete_are_left_out() -> None:
    """What goes is not checked, and the two steps of a replacement count once."""
    token = OURS + "JobQueue"
    document = read(
        {
            "steps": [
                step(token, "q", {"priority": 1}, "create-replacement"),
                step(token, "q", {"priority": 1}, "replace"),
                step(token, "old", {}, "delete"),
                step(token, "q", {}, "delete-replaced"),
            ]
        }
    )
    assert [(each.name, each.inputs) for each in document.declared] == [("q", {"priority": 1})]


def test_equal_names_of_one_kind_are_told_apart() -> None:
    """Two components may each have a queue of one name; their parents' types tell them apart."""
    first = step(OURS + "JobQueue", "q", {})
    second = step("x:y:Z$" + OURS + "JobQueue", "q", {})
    second["newState"]["type"] = OURS + "JobQueue"
    names = [each.name for each in read({"steps": [first, second]}).declared]
    assert len(set(names)) == 2


# --- CloudFormation ---------------------------------------------------------------------------------------------------

TEMPLATE = """
Parameters: {Max: {Type: Number, Default: 4}}
Mappings: {Size: {prod: {max: 32}}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow}]}
  Env:
    Type: AWS::Batch::ComputeEnvironment
    Properties:
      Type: MANAGED
      ServiceRole: !GetAtt Role.Arn
      ReplaceComputeEnvironment: false
      ComputeResources:
        MaxvCpus: !FindInMap [Size, prod, max]
        MinvCpus: !Ref Max
        BidPercentage: "80"
        Tags: {Foo_bar: 1}
        Ec2KeyPair: !Ref AWS::NoValue
        PlacementGroup: !Join ["-", [a, b]]
        ImageId: !Sub "${AWS::Region}-x"
        InstanceRole: !Sub "arn:${Role}"
        Subnets: !Split [",", "subnet-1,subnet-2"]
        SecurityGroupIds: [!Select [0, [sg-1]], !ImportValue x]
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {UserData: {Fn::Base64: "x"}}}
  Job:
    Type: AWS::Batch::JobDefinition
    Properties:
      Type: container
      ContainerProperties:
        Image: b
        Privileged: "true"
        Command: [sleep, 60]
        ResourceRequirements: [{Type: VCPU, Value: 2}]
        Environment: [{Name: A, Value: 1}]
"""


def test_a_templates_functions_are_worked_out_or_unknown(tmp_path: Path) -> None:
    """What the template itself says is known; what only a deployment knows is not; NoValue is absence."""
    document = template(TEMPLATE, tmp_path)
    env = one(document, "ComputeEnvironment")
    assert env.inputs == {
        "type": "MANAGED",
        "serviceRole": UNKNOWN,
        "computeEnvironmentName": UNKNOWN,
        "computeResources": {
            "maxvCpus": 32,
            "minvCpus": UNKNOWN,
            "bidPercentage": 80,
            "tags": {"Foo_bar": "1"},
            "placementGroup": "a-b",
            "imageId": UNKNOWN,
            "instanceRole": UNKNOWN,
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroupIds": ["sg-1", UNKNOWN],
        },
    }
    assert env.references == {"serviceRole": "Role", "computeResources.instanceRole": "Role"}
    assert document.lines == {"Role": 5, "Env": 9, "Template": 26, "Job": 29}


def test_a_template_has_the_apis_types(tmp_path: Path) -> None:
    """CloudFormation turns texts and numbers into what the API takes, and so does the reader."""
    container = one(template(TEMPLATE, tmp_path), "JobDefinition").inputs["containerProperties"]
    assert container["privileged"] is True
    assert container["command"] == ["sleep", "60"]
    assert container["resourceRequirements"] == [{"type": "VCPU", "value": "2"}]
    assert container["environment"] == [{"name": "A", "value": "1"}]


def test_a_trust_policy_and_user_data_are_texts(tmp_path: Path) -> None:
    """IAM and EC2 take texts there, with the policy's own capitals."""
    document = template(TEMPLATE, tmp_path)
    policy = json.loads(one(document, "Role").inputs["assumeRolePolicyDocument"])
    assert policy == {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}
    data = one(document, "LaunchTemplate").inputs["launchTemplateData"]["userData"]
    assert base64.b64decode(data) == b"x"


def test_what_only_aws_expands_is_said() -> None:
    """Loops, macros and kinds without rules are named in notes."""
    document = read(
        {
            "Transform": "X",
            "Resources": {
                "Fn::ForEach::Q": ["a", [], {}],
                "New": {"Type": "AWS::Batch::Future", "Properties": {}},
                "Q": {"Type": "AWS::Batch::JobQueue", "Properties": {}},
            },
        }
    )
    assert len(document.notes) == 3


def test_json_and_yaml_templates_are_the_same(tmp_path: Path) -> None:
    """The long forms in JSON mean what the short tags in YAML do."""
    short = template(
        "Resources: {Q: {Type: AWS::Batch::JobQueue, Properties: {SchedulingPolicyArn: !GetAtt P.Arn}},"
        " P: {Type: AWS::Batch::SchedulingPolicy}}",
        tmp_path,
    )
    long = read(
        {
            "Resources": {
                "Q": {
                    "Type": "AWS::Batch::JobQueue",
                    "Properties": {"SchedulingPolicyArn": {"Fn::GetAtt": ["P", "Arn"]}},
                },
                "P": {"Type": "AWS::Batch::SchedulingPolicy"},
            }
        }
    )
    assert short.declared == long.declared
    assert one(long, "JobQueue").references == {"schedulingPolicyArn": "P"}


def test_yaml_aliases_and_merges_are_expanded(tmp_path: Path) -> None:
    """People's tools expand them before they deploy; the key's own value wins over a merged one."""
    document = template(
        "x: &x {Priority: 1, State: ENABLED}\n"
        "Resources: {Q: {Type: AWS::Batch::JobQueue, Properties: {<<: *x, Priority: 2}}}",
        tmp_path,
    )
    assert one(document, "JobQueue").inputs == {"priority": 2, "state": "ENABLED", "jobQueueName": UNKNOWN}


# --- requests and limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SubmitJob", "submit-job", "submit_job", "submitjob"])
def test_an_operation_is_found_however_it_is_written(name: str) -> None:
    """The CLI's and the SDK's spellings are the API's operation."""
    assert require_operation(name, INPUTS) == "SubmitJob"


def test_an_operation_that_does_not_exist_is_refused_with_the_nearest() -> None:
    """A misspelled operation is the user's mistake, and the right one is named."""
    with pytest.raises(UserError, match="did you mean SubmitJob"):
        require_operation("SubmitJobs", INPUTS)


@pytest.mark.parametrize("value", [[], {"Resources": {}}, {"resource_changes": []}])
def test_what_is_no_request_is_refused(value: Any) -> None:
    """A list, a template or a plan is not one request."""
    with pytest.raises(UserError):
        read_request(value, "f", "SubmitJob")


def test_more_resources_than_aws_holds_are_refused() -> None:
    """A document of thousands of queues is no stack, and would take minutes."""
    many = {f"Q{each}": {"Type": "AWS::Batch::JobQueue"} for each in range(5_001)}
    with pytest.raises(UserError, match="at most 5,000"):
        read({"Resources": many})
    with pytest.raises(UserError, match="values"):
        read({"Resources": {"Q": {"Type": "AWS::Batch::JobQueue", "Properties": {"X": [1] * 200_000}}}})
