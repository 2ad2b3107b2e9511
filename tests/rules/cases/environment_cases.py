"""Compute environments, launch templates, images, EKS and update policy: what each row accepts, rejects, leaves.

`CASES[id] = (accepted, rejected, not applicable)`.
"""

from __future__ import annotations

from subjects import (
    CLUSTER,
    OWN_ROLE,
    PROFILE,
    ROLE,
    SERVICE_LINKED,
    Cases,
    ec2,
    eks,
    fargate,
    images,
    launch_template,
    launched,
    managed,
    overrides,
    provider,
    spot,
    template,
    unmanaged,
    update,
)

AMI = "ami-0a1b2c3d"

ENVIRONMENT: dict[str, Cases] = {
    "CE001": (
        [ec2({"/computeEnvironmentName": "a-b_C9"}), ec2({"/computeEnvironmentName": "a" * 128})],
        [ec2({"/computeEnvironmentName": "a b"}), ec2({"/computeEnvironmentName": "a" * 129})],
        [ec2({"/computeEnvironmentName": None})],
    ),
    "CE003": ([ec2({"/state": "ENABLED"})], [ec2({"/state": "DISABLED"})], [ec2()]),
    "CE004": ([ec2()], [ec2({"/computeResources": None})], [unmanaged()]),
    "CE005": (
        [],
        [unmanaged({"computeResources": {"type": "EC2", "maxvCpus": 1}})],
        [ec2(), unmanaged()],
    ),
    "CE006": (
        [],
        [ec2({"/unmanagedvCpus": 4}), update({"unmanagedvCpus": 4}, ec2())],
        [ec2(), unmanaged({"unmanagedvCpus": 4})],
    ),
    "CE007": ([unmanaged({"unmanagedvCpus": 0})], [unmanaged({"unmanagedvCpus": -1})], [unmanaged()]),
    "CE008": ([unmanaged()], [unmanaged({"serviceRole": None})], [ec2()]),
    "CE009": (
        [unmanaged()],
        [unmanaged({"serviceRole": SERVICE_LINKED}), unmanaged({"serviceRole": "AWSServiceRoleForBatch"})],
        [ec2({"/serviceRole": SERVICE_LINKED})],
    ),
    "CE010": ([ec2({"/serviceRole": OWN_ROLE})], [ec2({"/serviceRole": "AWSBatchServiceRole"})], [ec2()]),
    "CE058": ([ec2({"/context": ""})], [ec2({"/context": "x"})], [ec2()]),
    "CE011": ([ec2()], [ec2({"minvCpus": -1})], [fargate({"minvCpus": -1}), ec2({"minvCpus": None})]),
    "CE012": ([ec2()], [ec2({"minvCpus": None}), eks({"minvCpus": None})], [fargate(), managed(), unmanaged()]),
    "CE035": (
        [ec2({"desiredvCpus": 0}), ec2({"desiredvCpus": 64}), update({"computeResources.desiredvCpus": 9}, ec2())],
        [ec2({"desiredvCpus": 65}), ec2({"minvCpus": 4, "desiredvCpus": 3})],
        [ec2(), fargate({"desiredvCpus": 99})],
    ),
    "CE036": (
        [ec2({"minvCpus": 64}), fargate()],
        [ec2({"minvCpus": 65}), update({"computeResources.maxvCpus": 2}, ec2({"minvCpus": 4}))],
        [unmanaged(), update({"state": "ENABLED"}, ec2())],
    ),
    "CE037": ([ec2({"maxvCpus": 0, "minvCpus": 0})], [ec2({"maxvCpus": -1})], [unmanaged()]),
    "CE038": (
        [update({"computeResources.desiredvCpus": 8}, ec2({"desiredvCpus": 8}))],
        [update({"computeResources.desiredvCpus": 7}, ec2({"desiredvCpus": 8}))],
        [update({"computeResources.maxvCpus": 128}, ec2())],
    ),
    "CE039": (
        [],
        [update({"computeResources.desiredvCpus": 8}, eks())],
        [update({"computeResources.desiredvCpus": 8}, ec2()), update({"state": "DISABLED"}, eks())],
    ),
    "CE034": (
        [ec2({"scalingPolicy.minScaleDownDelayMinutes": minutes}) for minutes in (0, 20, 10080)],
        [ec2({"scalingPolicy.minScaleDownDelayMinutes": minutes}) for minutes in (1, 19, 10081)],
        [ec2()],
    ),
    "CE013": (
        [spot({"bidPercentage": 0}), spot({"bidPercentage": 100})],
        [spot({"bidPercentage": 101}), spot({"bidPercentage": -1})],
        [spot(), fargate({"bidPercentage": 101}), ec2({"bidPercentage": 123})],
    ),
    "CE014": ([], [spot({"bidPercentage": 60})], [spot(), ec2({"bidPercentage": 60})]),
    "CE020": (
        [spot()],
        [spot({"allocationStrategy": "BEST_FIT_PROGRESSIVE_ORDERED"})],
        [ec2({"allocationStrategy": "BEST_FIT_PROGRESSIVE_ORDERED"})],
    ),
    "CE021": (
        [ec2()],
        [ec2({"allocationStrategy": f"SPOT_{rest}"}) for rest in ("CAPACITY_OPTIMIZED", "PRICE_CAPACITY_OPTIMIZED")],
        [spot()],
    ),
    "CE022": (
        [ec2(), spot()],
        [ec2({"allocationStrategy": None}), ec2({"allocationStrategy": "BEST_FIT"})],
        [fargate(), eks({"allocationStrategy": "BEST_FIT"})],
    ),
    "CE023": (
        [ec2({"/serviceRole": SERVICE_LINKED}), ec2({"/serviceRole": "AWSServiceRoleForBatch"})],
        [ec2({"/serviceRole": OWN_ROLE}), spot({"/serviceRole": "AWSBatchServiceRole"})],
        [ec2(), fargate({"/serviceRole": OWN_ROLE}), unmanaged()],
    ),
    "CE024": (
        [spot({"allocationStrategy": "BEST_FIT", "spotIamFleetRole": ROLE.format("fleet")})],
        [spot({"allocationStrategy": "BEST_FIT"}), spot({"allocationStrategy": None})],
        [spot(), ec2({"allocationStrategy": "BEST_FIT"})],
    ),
    "CE025": (
        [spot({"spotIamFleetRole": ROLE.format("aws-ec2-spot-fleet-role")})],
        [spot({"spotIamFleetRole": "aws-ec2-spot-fleet-role"}), spot({"spotIamFleetRole": PROFILE})],
        [spot(), ec2({"spotIamFleetRole": "x"})],
    ),
    "CE015": (
        [ec2()],
        [ec2({"instanceTypes": []}), spot({"instanceTypes": None})],
        [fargate(), managed()],
    ),
    "CE016": (
        [ec2({"instanceTypes": [name]}) for name in ("m5", "c5.8xlarge", "default_x86_64", "optimal", "u-6tb1.metal")],
        [ec2({"instanceTypes": [name]}) for name in ("M5.large", "m5 large", "m5.", "")],
        [fargate(), fargate({"instanceTypes": ["M5"]})],
    ),
    "CE017": (
        [ec2({"instanceTypes": ["m5", "c5.large"]}), ec2({"instanceTypes": ["m6g", "c7g", "default_arm64"]})],
        [ec2({"instanceTypes": ["m5", "m6g"]}), ec2({"instanceTypes": ["default_x86_64", "c7g.large"]})],
        [fargate()],
    ),
    "CE018": (
        [ec2({"instanceTypes": ["m5", "m5.large", "default_x86_64"]})],
        [ec2({"instanceTypes": ["m5.huge"]}), ec2({"instanceTypes": ["zz9"]})],
        [fargate()],
    ),
    "CE019": ([ec2()], [ec2({"instanceTypes": ["optimal"]})], [fargate()]),
    "CE044": ([ec2({"instanceTypes": ["m5", "m5.large"]})], [ec2({"instanceTypes": ["m5", "m5"]})], [fargate()]),
    "CE026": ([ec2()], [ec2({"instanceRole": None}), spot({"instanceRole": ""})], [fargate(), managed()]),
    "CE027": (
        [ec2({"instanceRole": "ecsInstanceRole"}), ec2()],
        [ec2({"instanceRole": ROLE.format("ecs")}), ec2({"instanceRole": "a/b"})],
        [fargate()],
    ),
    "CE028": ([ec2(), fargate()], [ec2({"subnets": []}), fargate({"subnets": None})], [managed(), unmanaged()]),
    "CE029": (
        [fargate({"subnets": [f"subnet-0a1b2c{n:02d}" for n in range(16)]})],
        [fargate({"subnets": [f"subnet-0a1b2c{n:02d}" for n in range(17)]})],
        [ec2({"subnets": [f"subnet-0a1b2c{n:02d}" for n in range(17)]})],
    ),
    "CE030": ([ec2(), ec2({"subnets": ["subnet-0123456789abcdef0"]})], [ec2({"subnets": ["private-a"]})], [managed()]),
    "CE031": (
        [ec2(), template({}, securityGroupIds=None)],
        [ec2({"securityGroupIds": None}), spot({"securityGroupIds": []})],
        [fargate(), managed()],
    ),
    "CE032": ([fargate()], [fargate({"securityGroupIds": None}), fargate({"securityGroupIds": []})], [ec2()]),
    "CE033": (
        [fargate({"securityGroupIds": [f"sg-0a1b2c{n:02d}" for n in range(5)]})],
        [fargate({"securityGroupIds": [f"sg-0a1b2c{n:02d}" for n in range(6)]})],
        [ec2({"securityGroupIds": [f"sg-0a1b2c{n:02d}" for n in range(6)]})],
    ),
    "CE043": ([ec2()], [ec2({"securityGroupIds": ["default"]})], [managed()]),
    "CE046": (
        [ec2({"placementGroup": "cluster"})],
        [ec2({"placementGroup": "pg-0123456789abcdef0"}), ec2({"placementGroup": "arn:aws:ec2:x:1:placement-group/c"})],
        [ec2(), fargate({"placementGroup": "pg-1"})],
    ),
    "CE047": (
        [eks({"/ecsSettings": {}})],
        [eks({"/ecsSettings": {"containerInsights": "ENABLED"}})],
        [ec2({"/ecsSettings": {"containerInsights": "ENABLED"}}), eks()],
    ),
    "CE052": (
        [update({"computeResources.type": "SPOT"}, ec2())],
        [
            update({"computeResources.type": "ECS_MANAGED_INSTANCES"}, ec2()),
            update({"computeResources.type": "EC2"}, managed()),
        ],
        [update({"state": "DISABLED"}, ec2())],
    ),
    "CE054": (
        [update({"serviceRole": SERVICE_LINKED}, ec2()), update({"serviceRole": OWN_ROLE}, unmanaged())],
        [
            update({"serviceRole": OWN_ROLE}, ec2()),
            update({"serviceRole": SERVICE_LINKED}, ec2({"/serviceRole": OWN_ROLE})),
        ],
        [update({"state": "DISABLED"}, ec2())],
    ),
    "CE055": (
        [
            update({"computeResources.instanceTypes": ["c5"]}, ec2()),
            update({"computeResources.maxvCpus": 9}, ec2({"/serviceRole": OWN_ROLE})),
        ],
        [update({"computeResources.instanceTypes": ["c5"]}, ec2({"/serviceRole": OWN_ROLE}))],
        [update({"computeResources.subnets": ["subnet-0a1b2c3e"]}, fargate({"/serviceRole": OWN_ROLE}))],
    ),
    "CE056": (
        [
            update({"computeResources.instanceTypes": ["c5"]}, ec2()),
            update({"computeResources.maxvCpus": 9}, ec2({"allocationStrategy": None})),
        ],
        [update({"computeResources.instanceTypes": ["c5"]}, ec2({"allocationStrategy": None}))],
        [update({"computeResources.subnets": ["subnet-0a1b2c3e"]}, fargate())],
    ),
}

_ANYTHING = {
    "allocationStrategy": "BEST_FIT",
    "bidPercentage": 60,
    "desiredvCpus": 4,
    "minvCpus": 0,
    "imageId": AMI,
    "instanceTypes": ["m5"],
    "ec2Configuration": [{"imageType": "ECS_AL2023"}],
    "ec2KeyPair": "k",
    "instanceRole": PROFILE,
    "launchTemplate": {"launchTemplateName": "t"},
    "placementGroup": "g",
    "spotIamFleetRole": ROLE.format("fleet"),
    "tags": {"a": "b"},
    "scalingPolicy": {"minScaleDownDelayMinutes": 20},
    "subnets": ["subnet-0a1b2c3d"],
    "securityGroupIds": ["sg-0a1b2c3d"],
}
"""Member of computeResources → a value that EC2 takes."""

FARGATE: dict[str, Cases] = {
    f"CE{101 + index}": (
        [],
        [fargate({member: value}), update({f"computeResources.{member}": value}, fargate())],
        [fargate(), ec2({member: value})],
    )
    for index, (member, value) in enumerate(list(_ANYTHING.items())[:14])
}
FARGATE["CE115"] = (
    [],
    [update({"updatePolicy.terminateJobsOnUpdate": True}, fargate())],
    [update({"updatePolicy.terminateJobsOnUpdate": True}, ec2()), update({"state": "ENABLED"}, fargate())],
)

_LAUNCH = "managedInstancesProvider.instanceLaunchTemplate"
MANAGED: dict[str, Cases] = {
    f"CE{201 + index}": ([], [managed({member: value})], [managed(), ec2({member: value})])
    for index, (member, value) in enumerate(_ANYTHING.items())
}
MANAGED |= {
    "CE217": ([managed()], [managed({"managedInstancesProvider": None})], [ec2(), fargate()]),
    "CE218": ([], [ec2({"managedInstancesProvider": {"propagateTags": "NONE"}})], [managed(), ec2()]),
    "CE219": ([], [ec2({"capacityTags": {"a": "b"}})], [managed({"capacityTags": {"a": "b"}}), ec2()]),
    "CE220": (
        [provider({"infrastructureOptimization.scaleInAfter": seconds}) for seconds in (-1, 0, 3600)],
        [provider({"infrastructureOptimization.scaleInAfter": seconds}) for seconds in (-2, 3601)],
        [managed()],
    ),
    "CE221": (
        [launched({"capacityOptionType": kind}) for kind in ("ON_DEMAND", "SPOT")],
        [launched({"capacityOptionType": "spot"})],
        [managed()],
    ),
    "CE222": ([provider({"propagateTags": "NONE"})], [provider({"propagateTags": "ALL"})], [managed()]),
    "CE223": ([launched({"monitoring": "BASIC"})], [launched({"monitoring": "basic"})], [managed()]),
    "CE224": (
        [launched({"capacityReservations.reservationPreference": "RESERVATIONS_FIRST"})],
        [launched({"capacityReservations.reservationPreference": "FIRST"})],
        [managed()],
    ),
    "CE225": ([managed()], [launched({"networkConfiguration.subnets": []})], [ec2()]),
    "CE226": ([managed()], [launched({"networkConfiguration.securityGroups": []})], [ec2()]),
    "CE227": ([managed()], [provider({"infrastructureRoleArn": "infrastructure"})], [ec2()]),
    "CE228": ([managed()], [launched({"ec2InstanceProfileArn": ROLE.format("x")})], [ec2()]),
    "CE229": (
        [launched({"storageConfiguration.storageSizeGiB": 1})],
        [launched({"storageConfiguration.storageSizeGiB": 0})],
        [managed()],
    ),
    "CE230": (
        [],
        [managed({"/eksConfiguration": {"eksClusterArn": CLUSTER, "kubernetesNamespace": "batch"}})],
        [eks(), managed()],
    ),
    "CE231": (
        [],
        [launched({"capacityOptionType": "SPOT", "capacityReservations": {"reservationGroupArn": "arn:x"}})],
        [launched({"capacityReservations": {"reservationGroupArn": "arn:x"}}), managed()],
    ),
}


def _named(*types: str, **more: object) -> dict[str, object]:
    return {"launchTemplateName": "o", "targetInstanceTypes": list(types), **more}


TEMPLATE: dict[str, Cases] = {
    "LT001": (
        [
            template(),
            template({"launchTemplateName": None, "launchTemplateId": "lt-1"}),
            template({"launchTemplateName": None, "overrides": [_named("m5")]}),
            update({"computeResources.launchTemplate.launchTemplateId": ""}, template()),
        ],
        [template({"launchTemplateId": "lt-1"}), template({"launchTemplateName": None, "version": "1"})],
        [ec2()],
    ),
    "LT002": (
        [template({"version": version}) for version in ("1", "$Default", "$Latest", "")],
        [template({"version": version}) for version in ("latest", "$latest", "v1")],
        [template()],
    ),
    "LT003": (
        [overrides(*[_named("m5.large")] * 1)],
        [overrides(*[_named("m5.large") for _ in range(11)])],
        [template()],
    ),
    "LT004": (
        [overrides(_named("m5")), overrides({"launchTemplateId": "lt-1", "targetInstanceTypes": ["m5"]})],
        [overrides(_named("m5", launchTemplateId="lt-1")), overrides({"targetInstanceTypes": ["m5"]})],
        [template(), template({"overrides": []})],
    ),
    "LT005": (
        [overrides(_named("m5"))],
        [overrides(_named()), overrides({"launchTemplateName": "o"})],
        [template(), template({"overrides": []})],
    ),
    "LT006": (
        [overrides(_named("m5"))],
        [overrides(_named(name), types=[name]) for name in ("optimal", "default_x86_64", "default_arm64")],
        [template()],
    ),
    "LT007": (
        [overrides(_named("m5.large", "c5")), overrides(_named("r5"), types=["default_x86_64"])],
        [overrides(_named("r5")), overrides(_named("m5"), types=["m5.large"])],
        [template()],
    ),
    "LT008": (
        [overrides(_named("m5.large"), _named("m5.xlarge"))],
        [
            overrides(_named("m5.large"), _named("m5")),
            overrides(_named("c5", "c5.large")),
            overrides(_named("m5", "m5")),
        ],
        [template()],
    ),
    "LT009": ([overrides(_named("m5", version="2"))], [overrides(_named("m5", version="newest"))], [template()]),
    "LT010": ([template({"version": "3"})], [template({"version": "$Latest"})], [template()]),
    "LT011": (
        [
            eks(
                {
                    "launchTemplate": {"launchTemplateName": "t", "userdataType": "EKS_NODEADM"},
                    "ec2Configuration": [{"imageType": "EKS_AL2023", "imageIdOverride": AMI}],
                }
            )
        ],
        [
            eks(
                {
                    "launchTemplate": {"launchTemplateName": "t", "userdataType": "EKS_BOOTSTRAP_SH"},
                    "ec2Configuration": [{"imageType": "EKS_AL2023", "imageIdOverride": AMI}],
                }
            )
        ],
        [eks({"launchTemplate": {"launchTemplateName": "t", "userdataType": "EKS_BOOTSTRAP_SH"}}), template()],
    ),
    "LT012": (
        [],
        [template({"userdataType": "EKS_NODEADM"})],
        [template(), eks({"launchTemplate": {"launchTemplateName": "t", "userdataType": "EKS_NODEADM"}})],
    ),
    "LT101": (
        [launch_template(), launch_template({"/launchTemplateName": "a(b)/c.d-e_f"})],
        [launch_template({"/launchTemplateName": "ab"}), launch_template({"/launchTemplateName": "a b c"})],
        [launch_template({"/launchTemplateName": None})],
    ),
    "LT102": ([launch_template()], [launch_template({"/launchTemplateData": None})], []),
}

IMAGE: dict[str, Cases] = {
    "AM001": (
        [images("ECS_AL2023", "ECS_AL2023_NVIDIA")],
        [images("ECS_AL2023", "ECS_AL2023_NVIDIA", {"imageType": "ECS_AL2", "imageIdOverride": AMI})],
        [ec2(), fargate()],
    ),
    "AM002": ([images("ECS_AL2023")], [images("EKS_AL2023"), images("AL2023")], [ec2(), images("x", base=eks)]),
    "AM003": ([images("EKS_AL2023", base=eks)], [images("ECS_AL2023", base=eks)], [eks(), images("x")]),
    "AM004": (
        [
            images("ECS_AL2023"),
            images({"imageType": "ECS_AL2", "imageIdOverride": AMI}),
            images("ECS_AL2", imageId=AMI),
        ],
        [images("ECS_AL2"), images("ECS_AL2_NVIDIA"), images("EKS_AL2", base=eks)],
        [ec2()],
    ),
    "AM005": ([images("ECS_AL2023", "ECS_AL2023_NVIDIA")], [images("ECS_AL2023", "ECS_AL2023")], [ec2()]),
    "AM006": (
        [images("ECS_AL2023", instanceTypes=["m6g"])],
        [images("ECS_AL2023", instanceTypes=["a1"]), images("ECS_AL2023", instanceTypes=["a1.large"])],
        [ec2({"instanceTypes": ["a1"]})],
    ),
    "AM007": (
        [images("ECS_AL2023_NVIDIA", instanceTypes=["g4dn", "g5"])],
        [images("ECS_AL2023_NVIDIA", instanceTypes=["p3.2xlarge"]), images("ECS_AL2023_NVIDIA", instanceTypes=["g3s"])],
        [images("EKS_AL2023_NVIDIA", base=eks, instanceTypes=["p3"]), ec2()],
    ),
    "AM008": (
        [images("ECS_AL2023_NVIDIA", instanceTypes=["g4dn"]), images("ECS_AL2023", instanceTypes=["g5g"])],
        [images("ECS_AL2023_NVIDIA", instanceTypes=["g5g"])],
        [ec2()],
    ),
    "AM009": (
        [],
        [images({"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"})],
        [images("ECS_AL2023")],
    ),
    "AM010": (
        [images({"imageType": "ECS_AL2023", "imageIdOverride": AMI}, imageId=AMI), ec2({"imageId": AMI})],
        [images({"imageType": "ECS_AL2023", "imageIdOverride": "ami-0a1b2c3e"}, imageId=AMI)],
        [ec2(), images({"imageType": "ECS_AL2023", "imageIdOverride": AMI})],
    ),
    "AM011": ([ec2({"imageId": AMI}), ec2({"imageId": f"ami-{'0' * 17}"})], [ec2({"imageId": "ubuntu"})], [ec2()]),
    "AM012": (
        [images({"imageType": "ECS_AL2023", "imageIdOverride": AMI})],
        [images({"imageType": "ECS_AL2023", "imageIdOverride": "my-image"})],
        [images("ECS_AL2023")],
    ),
    "AM013": (
        [
            update({"computeResources.updateToLatestImageVersion": True}, ec2()),
            update({"computeResources": {"updateToLatestImageVersion": False, "imageId": AMI}}, ec2()),
        ],
        [update({"computeResources": {"updateToLatestImageVersion": True, "imageId": AMI}}, ec2())],
        [update({"computeResources.imageId": AMI}, ec2())],
    ),
    "AM014": (
        [update({"computeResources.imageId": ""}, ec2({"imageId": AMI}))],
        [ec2({"imageId": AMI})],
        [ec2(), images({"imageType": "ECS_AL2023", "imageIdOverride": AMI})],
    ),
}

_NAMESPACE = "/eksConfiguration.kubernetesNamespace"
KUBERNETES: dict[str, Cases] = {
    "EK001": ([eks(), eks({"type": "SPOT"})], [eks({"type": "FARGATE"}), eks({"type": "FARGATE_SPOT"})], [fargate()]),
    "EK002": (
        [eks()],
        [eks({"/eksConfiguration.eksClusterArn": "batch"}), eks({"/eksConfiguration.eksClusterArn": ROLE.format("x")})],
        [ec2()],
    ),
    "EK003": ([eks()], [eks({_NAMESPACE: "default"})], [ec2()]),
    "EK004": ([eks()], [eks({_NAMESPACE: "kube-system"})], [ec2()]),
    "EK005": (
        [eks(), eks({_NAMESPACE: "a"})],
        [eks({_NAMESPACE: name}) for name in ("Batch", "a-", "-a", "a_b")],
        [ec2()],
    ),
    "EK006": ([eks({_NAMESPACE: "a" * 63})], [eks({_NAMESPACE: "a" * 64})], [ec2()]),
    "EK007": ([eks()], [eks({"allocationStrategy": None})], [ec2({"allocationStrategy": None})]),
    "EK008": ([eks()], [eks({"allocationStrategy": "BEST_FIT"})], [ec2({"allocationStrategy": "BEST_FIT"})]),
    "EK009": (
        [],
        [unmanaged({"eksConfiguration": {"eksClusterArn": CLUSTER, "kubernetesNamespace": "batch"}})],
        [eks(), unmanaged()],
    ),
    "EK010": (
        [eks({"/eksConfiguration.accessEntry.desiredState": "ENABLED"})],
        [eks({"/eksConfiguration.accessEntry.desiredState": "DISABLED"})],
        [eks()],
    ),
    "EK011": (
        [],
        [eks({"/eksConfiguration.accessEntry": {"desiredState": "ENABLED", "status": "ACTIVE"}})],
        [eks({"/eksConfiguration.accessEntry.desiredState": "ENABLED"})],
    ),
}

KUBERNETES["EK012"] = (
    [eks({"/region": "us-east-1"})],
    [eks({"/region": "eu-west-1"})],
    [eks(), ec2({"/region": "eu-west-1"})],
)

UPDATE: dict[str, Cases] = {
    "UP001": ([], [ec2({"/updatePolicy": {"terminateJobsOnUpdate": False}})], [ec2()]),
    "UP002": (
        [update({"updatePolicy.terminateJobsOnUpdate": False}, ec2())],
        [update({"updatePolicy.terminateJobsOnUpdate": True}, ec2())],
        [update({"state": "ENABLED"}, ec2())],
    ),
}

CASES: dict[str, Cases] = {**ENVIRONMENT, **FARGATE, **MANAGED, **TEMPLATE, **IMAGE, **KUBERNETES, **UPDATE}
