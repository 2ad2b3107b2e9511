"""What only shows across resources: what each row accepts, rejects, and where it does not apply.

`CASES[id] = (accepted, rejected, not applicable)`, each a stack and the resource in it that is asked about.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from subjects import (
    PROFILE,
    Cases,
    InStack,
    changed,
    ec2,
    eks,
    fair,
    fargate,
    launch_template,
    launched,
    managed,
    quota,
    resource,
    sagemaker,
    service,
    share,
    spot,
    template,
    unmanaged,
)

from batchiac.model import UNKNOWN
from batchiac.rules import Declared

CE, JQ, JD = "ComputeEnvironment", "JobQueue", "JobDefinition"


def env(name: str, inputs: dict[str, Any], **references: str) -> Declared:
    """An environment of this name, both ours and AWS's."""
    return Declared(CE, name, {**inputs, "computeEnvironmentName": name}, references)


def jq(*names: str, **more: Any) -> Declared:
    """The queue `q` of the environments of these names, in their order, known by reference only."""
    order = [{"order": n + 1, "computeEnvironment": UNKNOWN} for n, _ in enumerate(names)]
    references = {f"computeEnvironmentOrder[{n}].computeEnvironment": name for n, name in enumerate(names)}
    return Declared(JQ, "q", {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": order, **more}, references)


def job(vcpus: str, mib: str, gpus: str | None = None, **more: Any) -> Declared:
    """The definition `d` of one container."""
    needs = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": mib}]
    if gpus:
        needs.append({"type": "GPU", "value": gpus})
    inputs = {
        "jobDefinitionName": "d",
        "type": "container",
        "containerProperties": {"image": "busybox", "resourceRequirements": needs},
    }
    return Declared(JD, "d", {**inputs, **more})


def gang(nodes: int, vcpus: str = "2") -> Declared:
    """The multi-node definition `d`."""
    needs = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "1024"}]
    container = {"image": "busybox", "resourceRequirements": needs}
    ranges = [{"targetNodes": "0:", "container": container}]
    nodes_of = {"numNodes": nodes, "mainNode": 0, "nodeRangeProperties": ranges}
    return Declared(JD, "d", {"jobDefinitionName": "d", "type": "multinode", "nodeProperties": nodes_of})


def of(subject: str, *declared: Declared) -> InStack:
    """A stack, and which of it is asked about."""
    return InStack(subject, declared)


def q(*environments: Declared, **more: Any) -> InStack:
    """The queue `q` of these environments."""
    return of("q", *environments, jq(*[each.name for each in environments], **more))


def d(definition: Declared, *environments: Declared) -> InStack:
    """The definition `d`, and a queue of these environments."""
    return of("d", definition, *environments, jq(*[each.name for each in environments]))


def trust(service: str) -> dict[str, Any]:
    """A role's trust policy."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(name: str, *services: str) -> Declared:
    """A role that trusts these services."""
    return Declared("Role", name, {"roleName": name, "assumeRolePolicyDocument": json.dumps(trust(services))})  # type: ignore[arg-type]


def profile(name: str, of_role: str) -> Declared:
    """An instance profile of a role."""
    return Declared("InstanceProfile", name, {"instanceProfileName": name, "roles": [UNKNOWN]}, {"roles[0]": of_role})


def tmpl(changes: dict[str, Any] | None = None) -> Declared:
    """The launch template `t`."""
    return Declared("LaunchTemplate", "t", launch_template({"/launchTemplateName": "t", **(changes or {})}))


def with_template(changes: dict[str, Any] | None = None, environment: dict[str, Any] | None = None) -> InStack:
    """The template `t`, and an environment that names it."""
    return of("t", tmpl(changes), env("e", environment or template()))


ON_DEMAND, SPOT, FARGATE = env("a", ec2()), env("b", spot()), env("c", fargate())
ARM = env("arm", ec2({"instanceTypes": ["m6g"]}))
KUBERNETES = env("k", eks())
MANAGED = env("m", managed())
MANAGED_SPOT = env("ms", launched({"capacityOptionType": "SPOT"}))
UNMANAGED = env("u", unmanaged())
SMALL = env("small", ec2({"instanceTypes": ["m4.large"], "maxvCpus": 4}))
FAIR = Declared("SchedulingPolicy", "p", fair())
QUOTA = Declared("SchedulingPolicy", "p", quota())
POLICY = "arn:aws:batch:us-east-1:123456789012:scheduling-policy/p"
SAGEMAKER = Declared(JQ, "q", sagemaker({"schedulingPolicyArn": POLICY}))
SERVICE = Declared("ServiceEnvironment", "s", service())
MIME = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="==B=="\n\n--==B==\n'


def encoded(text: str | bytes) -> str:
    """As EC2 takes user data."""
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


QUEUES: dict[str, Cases] = {
    "ST001": (
        [q(ON_DEMAND, SPOT), q(FARGATE, env("c2", fargate()))],
        [q(ON_DEMAND, FARGATE), q(UNMANAGED, FARGATE)],
        [q(FARGATE)],
    ),
    "ST002": ([q(ON_DEMAND, SPOT)], [q(ON_DEMAND, ARM)], [q(ARM)]),
    "ST003": ([q(MANAGED, MANAGED_SPOT)], [q(MANAGED, ON_DEMAND), q(MANAGED, FARGATE)], [q(MANAGED)]),
    "ST004": ([q(MANAGED, MANAGED_SPOT)], [q(MANAGED_SPOT, MANAGED)], [q(MANAGED_SPOT)]),
    "ST005": ([q(ON_DEMAND, SPOT), q(KUBERNETES, env("k2", eks()))], [q(ON_DEMAND, KUBERNETES)], [q(KUBERNETES)]),
    "ST006": (
        [q(ON_DEMAND, jobQueueType="ECS"), q(FARGATE, jobQueueType="ECS_FARGATE"), q(KUBERNETES, jobQueueType="EKS")],
        [q(ON_DEMAND, jobQueueType="EKS"), q(FARGATE, jobQueueType="ECS")],
        [q(ON_DEMAND), of("q", jq(jobQueueType="ECS"))],
    ),
    "ST007": (
        [of("q", FAIR, ON_DEMAND, jq("a", schedulingPolicyArn=POLICY)), of("q", QUOTA, SAGEMAKER)],
        [of("q", QUOTA, ON_DEMAND, jq("a", schedulingPolicyArn=POLICY))],
        [q(ON_DEMAND)],
    ),
    "ST008": (
        [
            q(env("u", unmanaged({"unmanagedvCpus": 8})), schedulingPolicyArn=POLICY),
            q(ON_DEMAND, schedulingPolicyArn=POLICY),
        ],
        [q(UNMANAGED, schedulingPolicyArn=POLICY)],
        [q(UNMANAGED)],
    ),
    "ST009": (
        [
            of(
                "q",
                QUOTA,
                SAGEMAKER,
                Declared(
                    "ServiceEnvironment",
                    "s",
                    service({"capacityLimits": [{"maxCapacity": 1, "capacityUnit": "ml.m5.large"}]}),
                ),
            )
        ],
        [of("q", QUOTA, SAGEMAKER, SERVICE)],
        [q(ON_DEMAND, schedulingPolicyArn=POLICY)],
    ),
    "ST010": (
        [
            of("h", Declared("QuotaShare", "h", share()), SAGEMAKER, QUOTA),
            of("h", Declared("QuotaShare", "h", share())),
        ],
        [
            of("h", Declared("QuotaShare", "h", share()), ON_DEMAND, jq("a")),
            of("h", Declared("QuotaShare", "h", share()), Declared(JQ, "q", sagemaker())),
            of("h", Declared("QuotaShare", "h", share()), SAGEMAKER, FAIR),
        ],
        [of("h", Declared("QuotaShare", "h", share({"jobQueue": None})))],
    ),
    "ST031": (
        [of("h19", SAGEMAKER, *[Declared("QuotaShare", f"h{n}", share()) for n in range(20)])],
        [of("h20", SAGEMAKER, *[Declared("QuotaShare", f"h{n}", share()) for n in range(21)])],
        [of("h", Declared("QuotaShare", "h", share({"jobQueue": None})))],
    ),
}

_MI_JOB = {"platformCapabilities": ["FARGATE"]}
JOBS: dict[str, Cases] = {
    "ST011": (
        [d(job("2", "7985"), SMALL), d(job("3", "8000"), SMALL, ON_DEMAND)],
        # "An m4.large has 8 GiB, its agent registers 7,985 MiB": a job of the nominal size never fits.
        [d(job("2", "8192"), SMALL), d(job("4", "1024"), SMALL), d(job("1", "1024", "1"), ON_DEMAND)],
        [
            of("d", job("64", "1024")),
            d(job("64", "1024"), UNMANAGED),
            of("d", job("9", "9"), jq(computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "elsewhere"}])),
        ],
    ),
    "ST012": (
        [d(job("64", "1024"), ON_DEMAND), d(job("8", "1024"), SMALL, ON_DEMAND)],
        [d(job("65", "1024"), ON_DEMAND), d(job("96", "1024", **_MI_JOB), FARGATE)],
        [of("d", job("65", "1024")), d(job("65", "1024"), UNMANAGED)],
    ),
    "ST013": (
        [d(job("1", "1024"), ON_DEMAND), d(job("1", "2048", **_MI_JOB), FARGATE)],
        [d(job("1", "2048", **_MI_JOB), ON_DEMAND), d(job("1", "1024"), FARGATE)],
        [of("d", job("1", "1024")), of("d", job("1", "1024"), Declared(JQ, "s", sagemaker()))],
    ),
    "ST014": (
        [d(gang(2), ON_DEMAND), d(gang(2), SPOT, ON_DEMAND)],
        [d(gang(2), SPOT), d(gang(2), UNMANAGED), d(gang(2), FARGATE), d(gang(2), MANAGED)],
        [of("d", gang(2)), d(job("1", "1024"), SPOT), of("d", gang(2), Declared(JQ, "s", sagemaker()))],
    ),
    "ST015": (
        [d(gang(2), env("a", ec2({"placementGroup": "g"})))],
        [d(gang(2), ON_DEMAND)],
        [of("d", gang(2)), d(job("1", "1024"), ON_DEMAND)],
    ),
    "ST016": (
        [d(gang(32), ON_DEMAND)],
        [d(gang(33), ON_DEMAND), d(gang(3), SMALL)],
        [of("d", gang(64)), d(job("1", "1024"), ON_DEMAND)],
    ),
    "ST017": (
        [
            of(
                "a",
                env("a", ec2({"placementGroup": "g"})),
                gang(2),
                Declared("PlacementGroup", "g", {"groupName": "g", "strategy": "cluster"}),
            )
        ],
        [
            of(
                "a",
                env("a", ec2({"placementGroup": "g"})),
                gang(2),
                Declared("PlacementGroup", "g", {"groupName": "g", "strategy": "spread"}),
            )
        ],
        [of("a", ON_DEMAND, gang(2)), of("a", env("a", ec2({"placementGroup": "g"})))],
    ),
    "ST018": (
        [
            of(
                "d",
                job(
                    "1",
                    "1024",
                    consumableResourceProperties={
                        "consumableResourceList": [{"consumableResource": "licence", "quantity": 5}]
                    },
                ),
                Declared("ConsumableResource", "r", resource()),
            )
        ],
        [
            of(
                "d",
                job(
                    "1",
                    "1024",
                    consumableResourceProperties={
                        "consumableResourceList": [{"consumableResource": "licence", "quantity": 6}]
                    },
                ),
                Declared("ConsumableResource", "r", resource()),
            )
        ],
        [of("d", job("1", "1024"))],
    ),
}

_MANY = [f"sg-0a1b2c{n:02d}" for n in range(6)]
JOBS |= {
    "ST032": (
        [of("a", ON_DEMAND, gang(2))],
        [of("a", env("a", ec2({"securityGroupIds": _MANY})), gang(2))],
        [of("a", env("a", ec2({"securityGroupIds": _MANY}))), of("b", SPOT, gang(2))],
    ),
    "ST033": (
        [of("a", ON_DEMAND, gang(2))],
        [of("e", env("e", template({}, securityGroupIds=None)), tmpl({"securityGroupIds": ["sg-0a1b2c3d"]}), gang(2))],
        [of("e", env("e", template({}, securityGroupIds=None))), of("b", SPOT, gang(2))],
    ),
}

_NODE_START = {"launchTemplate": {"launchTemplateName": "t", "userdataType": "EKS_NODEADM"}}
_IMAGE = Declared("Image", "ubuntu", {"architecture": "arm64"})
ENVIRONMENTS: dict[str, Cases] = {
    "ST019": (
        [
            of("e", env("e", template()), tmpl()),
            of("e", env("e", template({}, securityGroupIds=None)), tmpl({"securityGroupIds": ["sg-0a1b2c3d"]})),
            of("e", env("e", template({}, securityGroupIds=None)), tmpl({"networkInterfaces": [{"groups": ["sg-1"]}]})),
        ],
        [of("e", env("e", template({}, securityGroupIds=None)), tmpl())],
        [of("e", env("e", template({}, securityGroupIds=None))), of("c", FARGATE)],
    ),
    "ST020": (
        [of("e", env("e", eks(_NODE_START)), tmpl({"imageId": "ami-0a1b2c3d"}))],
        [of("e", env("e", eks(_NODE_START)), tmpl())],
        [of("e", env("e", eks(_NODE_START))), of("e", env("e", template()), tmpl())],
    ),
    "ST021": (
        [
            of(
                "e",
                env("e", ec2({"instanceTypes": ["m6g"], "imageId": UNKNOWN}), **{"computeResources.imageId": "ubuntu"}),
                _IMAGE,
            )
        ],
        [
            of("e", env("e", ec2({"imageId": UNKNOWN}), **{"computeResources.imageId": "ubuntu"}), _IMAGE),
            of(
                "e",
                env(
                    "e",
                    ec2({"ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": UNKNOWN}]}),
                    **{"computeResources.ec2Configuration[0].imageIdOverride": "ubuntu"},
                ),
                _IMAGE,
            ),
        ],
        [of("e", env("e", ec2({"imageId": "ami-0a1b2c3d"})))],
    ),
    "ST022": (
        [of("a", ON_DEMAND, SPOT)],
        [of("z", ON_DEMAND, Declared(CE, "z", {**ec2(), "computeEnvironmentName": "a"}))],
        [of("z", Declared(CE, "z", changed(ec2(), {"computeEnvironmentName": None})))],
    ),
    "ST023": (
        [q(ON_DEMAND)],
        [of("z", ON_DEMAND, jq("a"), Declared(JQ, "z", jq("a").inputs))],
        [of("z", Declared(JQ, "z", {"priority": 1}))],
    ),
    "ST024": (
        [of("p", FAIR)],
        [of("z", FAIR, Declared("SchedulingPolicy", "z", fair()))],
        [of("z", Declared("SchedulingPolicy", "z", {}))],
    ),
    "ST025": (
        [of("r", Declared("ConsumableResource", "r", resource()))],
        [of("z", Declared("ConsumableResource", "r", resource()), Declared("ConsumableResource", "z", resource()))],
        [of("z", Declared("ConsumableResource", "z", {}))],
    ),
    "ST026": (
        [of("s", SERVICE)],
        [of("z", SERVICE, Declared("ServiceEnvironment", "z", service()))],
        [of("z", Declared("ServiceEnvironment", "z", {}))],
    ),
    "ST027": (
        [of("e49", *[env(f"e{n}", ec2()) for n in range(50)])],
        [of("e50", *[env(f"e{n}", ec2()) for n in range(51)])],
        [],
    ),
    "ST028": (
        [of("q", ON_DEMAND, jq("a"))],
        [of("q50", *[Declared(JQ, f"q{n}", {"jobQueueName": f"q{n}"}) for n in range(51)])],
        [],
    ),
    "ST029": ([of("s", SERVICE)], [of("s50", *[Declared("ServiceEnvironment", f"s{n}", {}) for n in range(51)])], []),
    "ST030": (
        [of("e4", *[env(f"e{n}", eks()) for n in range(5)])],
        [of("e5", *[env(f"e{n}", eks()) for n in range(6)])],
        [of("a", ON_DEMAND)],
    ),
}

_USED = template()
TEMPLATES: dict[str, Cases] = {
    "LT103": (
        [with_template({"userData": encoded(MIME)}), with_template({"userData": MIME})],
        [with_template({"userData": encoded("#!/bin/bash\necho hi\n")}), with_template({"userData": "#!/bin/bash\n"})],
        [of("t", tmpl({"userData": encoded("#!/bin/bash\n")})), with_template()],
    ),
    "LT104": (
        [with_template({"userData": encoded(MIME)})],
        [with_template({"userData": encoded(b"\xff\xfe\x00\x80")})],
        [with_template()],
    ),
    **{
        rule_id: ([], [with_template({member: value})], [of("t", tmpl({member: value})), with_template()])
        for rule_id, member, value in (
            ("LT105", "instanceType", "m5.large"),
            ("LT106", "iamInstanceProfile", {"arn": PROFILE}),
            ("LT108", "instanceMarketOptions", {"marketType": "spot"}),
            ("LT109", "disableApiTermination", True),
        )
    },
    "LT107": (
        [with_template({"networkInterfaces": [{"groups": ["sg-1"]}]})],
        [with_template({"networkInterfaces": [{"subnetId": "subnet-0a1b2c3d"}]})],
        [with_template()],
    ),
}


def _role_cases(make: Any, service_name: str, without: InStack) -> Cases:
    """A role that trusts the right service among others; one that does not; none of this stack."""
    right, wrong = role("r", service_name, "x.amazonaws.com"), role("r", "lambda.amazonaws.com")
    return [make(right)], [make(wrong)], [without]


def _environment_with(path: str, inputs: dict[str, Any]) -> Any:
    return lambda r: of("e", env("e", changed(inputs, {path: UNKNOWN}), **{path: "r"}), r)


def _definition_with(member: str) -> Any:
    path = f"containerProperties.{member}"
    return lambda r: of("d", Declared(JD, "d", changed(job("1", "1024").inputs, {path: UNKNOWN}), {path: "r"}), r)  # type: ignore[arg-type]


def _profile_with(path: str, inputs: dict[str, Any]) -> Any:
    return lambda r: of("e", env("e", changed(inputs, {path: UNKNOWN}), **{path: "i"}), profile("i", "r"), r)


_PROVIDER = "computeResources.managedInstancesProvider"
ROLES: dict[str, Cases] = {
    "RO001": _role_cases(_environment_with("serviceRole", ec2()), "batch.amazonaws.com", of("a", ON_DEMAND)),
    "RO002": _role_cases(_profile_with("computeResources.instanceRole", ec2()), "ec2.amazonaws.com", of("c", FARGATE)),
    "RO003": _role_cases(
        _environment_with("computeResources.spotIamFleetRole", spot()), "spotfleet.amazonaws.com", of("b", SPOT)
    ),
    "RO004": _role_cases(_definition_with("jobRoleArn"), "ecs-tasks.amazonaws.com", of("d", job("1", "1024"))),
    "RO005": _role_cases(_definition_with("executionRoleArn"), "ecs-tasks.amazonaws.com", of("d", job("1", "1024"))),
    "RO006": _role_cases(
        _environment_with(f"{_PROVIDER}.infrastructureRoleArn", managed()), "ecs.amazonaws.com", of("a", ON_DEMAND)
    ),
    "RO007": _role_cases(
        _profile_with(f"{_PROVIDER}.instanceLaunchTemplate.ec2InstanceProfileArn", managed()),
        "ec2.amazonaws.com",
        of("a", ON_DEMAND),
    ),
}

CASES: dict[str, Cases] = {**QUEUES, **JOBS, **ENVIRONMENTS, **TEMPLATES, **ROLES}
