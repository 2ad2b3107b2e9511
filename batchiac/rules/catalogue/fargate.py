"""What a job on Fargate may and may not say: sizes, platform, Windows, and what only a host could give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batchiac.rules.catalogue.container import requirement_value
from batchiac.rules.catalogue.places import (
    ALL_CONTAINERS,
    API,
    GUIDE,
    HOSTS,
    JD,
    SINGLE,
    TASK_CONTAINERS,
    TASKS,
    objects,
    on_fargate,
    on_managed_instances,
    quantity,
    requirement,
    rule_at,
)
from batchiac.rules.predicates import forbidden, forbidden_unless_empty, one_of, required, shown, whole, within
from batchiac.rules.row import Broken, Check, Condition, Rule
from batchiac.rules.view import View

_PAGE = GUIDE + "fargate-job-definitions.html"
_REQUIREMENT = API + "API_ResourceRequirement.html"
_LINUX = API + "API_LinuxParameters.html"
_PLATFORM = API + "API_RuntimePlatform.html"
_TASK = API + "API_EcsTaskProperties.html"
_TASK_CONTAINER = API + "API_TaskContainerProperties.html"


def _steps(first: int, last: int, step: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1, step))


MEMORY_OF_VCPU: dict[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: _steps(1024, 4096, 1024),
    1: _steps(2048, 8192, 1024),
    2: _steps(4096, 16384, 1024),
    4: _steps(8192, 30720, 1024),
    8: _steps(16384, 61440, 4096),
    16: _steps(32768, 122880, 8192),
    32: (61440, 122880, 249856),
}
"""vCPUs → MiB of memory that go with them. Source: API_ResourceRequirement (its list by VCPU; the list by MEMORY
leaves out that 20480, 24576 and 28672 go with 4 vCPUs)."""

WINDOWS = (
    "WINDOWS_SERVER_2019_CORE",
    "WINDOWS_SERVER_2019_FULL",
    "WINDOWS_SERVER_2022_CORE",
    "WINDOWS_SERVER_2022_FULL",
)


def _unknown_size(value: str) -> str | None:
    number = quantity(value)
    return shown(value) if number is not None and number not in MEMORY_OF_VCPU else None


def _memory_that_does_not_fit(view: View, path: str) -> Iterator[Broken]:
    for container in objects(view, (path.rpartition(".")[0],)):
        cpu, memory = requirement(container, "VCPU"), requirement(container, "MEMORY")
        if cpu is None or memory is None:
            continue
        vcpus, mib = quantity(cpu), quantity(memory)
        if vcpus is None or mib is None or vcpus not in MEMORY_OF_VCPU or mib in MEMORY_OF_VCPU[vcpus]:
            continue
        yield Broken(
            container.absolute("resourceRequirements"),
            f"{memory} MiB with {cpu} vCPU",
            {"vcpus": cpu, "fitting": _spoken(MEMORY_OF_VCPU[vcpus])},
        )


def _spoken(sizes: Sequence[int]) -> str:
    if len(sizes) <= 4:
        return ", ".join(str(each) for each in sizes)
    return f"{sizes[0]} to {sizes[-1]} in steps of {sizes[1] - sizes[0]}"


def _is_true() -> Check:
    def run(view: View, path: str) -> Iterator[Broken]:
        for at, value in view.each(path):
            if value is True:
                yield Broken(at, "true")

    return whole(run)


def _old_platform_with_efs(view: View, path: str) -> Iterator[Broken]:
    """EFS on a platform version below 1.4.0; LATEST and an absent version are newer."""
    del path
    for host in objects(view, HOSTS):
        if any(volume.has("efsVolumeConfiguration") for volume in host.views("volumes")):
            for where in ("fargatePlatformConfiguration.platformVersion", "platformVersion"):
                version = host.text(where)
                if re.fullmatch(r"\d+(\.\d+)*", version) and _numbers(version) < (1, 4, 0):
                    yield Broken(host.absolute(where), shown(version))


def _numbers(version: str) -> tuple[int, ...]:
    numbers = tuple(int(each[:9]) for each in version.split("."))
    return numbers + (0,) * (3 - len(numbers))


def _windows(host: View) -> bool:
    return host.text("runtimePlatform.operatingSystemFamily").startswith("WINDOWS")


def _not_on_windows(*members: str) -> Check:
    """None of these members of a container stands when its platform is Windows."""

    def run(view: View, path: str) -> Iterator[Broken]:
        del path
        for host in objects(view, HOSTS):
            if not _windows(host):
                continue
            for container in (host, *host.views("containers")):
                for member in members:
                    if container.has(member):
                        yield Broken(container.absolute(member), f"given as {shown(container.raw(member))}")

    return whole(run)


def _efs_on_windows(view: View, path: str) -> Iterator[Broken]:
    del path
    for host in objects(view, HOSTS):
        if _windows(host):
            for volume in host.views("volumes"):
                if volume.has("efsVolumeConfiguration"):
                    yield Broken(volume.absolute("efsVolumeConfiguration"), "given")


def _arm_windows(view: View, path: str) -> Iterator[Broken]:
    holder = path.rpartition(".runtimePlatform.")[0]
    for host in objects(view, (holder,)):
        architecture = host.text("runtimePlatform.cpuArchitecture")
        if _windows(host) and architecture not in ("", "X86_64"):
            yield Broken(host.absolute("runtimePlatform.cpuArchitecture"), shown(architecture))


def _small_windows(view: View, path: str) -> Iterator[Broken]:
    del path
    for host in objects(view, SINGLE):
        vcpus = quantity(requirement(host, "VCPU"))
        if _windows(host) and vcpus is not None and vcpus < 1:
            yield Broken(host.absolute("resourceRequirements"), f"{vcpus:g} vCPU")


def _runs_windows(view: View) -> bool:
    return any(_windows(host) for host in objects(view, HOSTS))


def _fargate_or_managed(view: View) -> bool:
    return on_fargate(view) or on_managed_instances(view)


def _not_applicable(
    rule_id: str,
    places: Sequence[str],
    property_: str,
    source: str,
    check: Check | None = None,
) -> Rule:
    """A property that a job on Fargate must not have."""
    return rule_at(
        rule_id,
        JD,
        places,
        property_,
        check or forbidden(),
        when=on_fargate,
        allowed="jobs on Fargate must not have it",
        change="take it out, or run the job on EC2",
        source=source,
    )


_ON_WINDOWS: Condition = _runs_windows

RULES: tuple[Rule, ...] = (
    rule_at(
        "JD201",
        JD,
        (*SINGLE, TASKS[0]),
        "executionRoleArn",
        required(),
        when=on_fargate,
        allowed="a job on Fargate needs an execution role",
        change="give executionRoleArn, a role that ecs-tasks.amazonaws.com may assume",
        source=API + "API_ContainerProperties.html",
    ),
    rule_at(
        "JD202",
        JD,
        SINGLE,
        "resourceRequirements",
        requirement_value("VCPU", _unknown_size),
        when=on_fargate,
        allowed="0.25, 0.5, 1, 2, 4, 8, 16 and 32 vCPUs are allowed on Fargate",
        change="choose one of these",
        source=_REQUIREMENT,
        seed_difference="32 vCPUs are new: the guide of 2023 ends at 16",
    ),
    rule_at(
        "JD203",
        JD,
        SINGLE,
        "resourceRequirements",
        whole(_memory_that_does_not_fit),
        when=on_fargate,
        allowed="with {vcpus} vCPU, {fitting} MiB are allowed on Fargate",
        change="choose a memory that goes with the vCPUs",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD204",
        JD,
        SINGLE,
        "vcpus",
        forbidden(),
        when=on_fargate,
        allowed="the deprecated vcpus is not supported on Fargate",
        change="use resourceRequirements with type VCPU",
        source=API + "API_ContainerProperties.html",
    ),
    rule_at(
        "JD205",
        JD,
        SINGLE,
        "memory",
        forbidden(),
        when=on_fargate,
        allowed="the deprecated memory is not supported on Fargate",
        change="use resourceRequirements with type MEMORY",
        source=API + "API_ContainerProperties.html",
    ),
    rule_at(
        "JD206",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        requirement_value("GPU", shown),
        when=on_fargate,
        allowed="Fargate has no GPUs",
        change="take the requirement out, or run the job on EC2",
        source=_REQUIREMENT,
        aws_message="GPU is not applicable for Fargate.",
    ),
    _not_applicable("JD207", ALL_CONTAINERS, "privileged", _PAGE, _is_true()),
    _not_applicable("JD208", ALL_CONTAINERS, "ulimits", _PAGE, forbidden_unless_empty()),
    _not_applicable("JD209", ALL_CONTAINERS, "linuxParameters.devices", _LINUX, forbidden_unless_empty()),
    _not_applicable("JD210", ALL_CONTAINERS, "linuxParameters.maxSwap", _LINUX),
    _not_applicable("JD211", ALL_CONTAINERS, "linuxParameters.swappiness", _LINUX),
    _not_applicable("JD212", ALL_CONTAINERS, "linuxParameters.sharedMemorySize", _LINUX),
    _not_applicable("JD213", ALL_CONTAINERS, "linuxParameters.tmpfs", _LINUX, forbidden_unless_empty()),
    _not_applicable("JD214", HOSTS, "volumes[].host.sourcePath", API + "API_Host.html"),
    _not_applicable("JD215", TASKS, "ipcMode", _TASK),
    rule_at(
        "JD216",
        JD,
        ALL_CONTAINERS,
        "logConfiguration.logDriver",
        one_of("awslogs", "splunk", "awsfirelens"),
        when=on_fargate,
        allowed="awslogs and splunk are allowed on Fargate (and awsfirelens, which the service takes too)",
        change="use awslogs",
        source=API + "API_LogConfiguration.html",
    ),
    rule_at(
        "JD217",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration",
        whole(_old_platform_with_efs),
        once=True,
        when=on_fargate,
        allowed="EFS volumes need platform version 1.4.0 or later",
        change="leave platformVersion out, or set it to LATEST",
        source=API + "API_Volume.html",
    ),
    rule_at(
        "JD218",
        JD,
        TASK_CONTAINERS,
        "startTimeout",
        within(None, 120),
        when=on_fargate,
        allowed="at most 120 seconds are allowed on Fargate",
        change="set it to 120 or less",
        source=_TASK_CONTAINER,
    ),
    rule_at(
        "JD219",
        JD,
        TASK_CONTAINERS,
        "stopTimeout",
        within(None, 120),
        when=on_fargate,
        allowed="at most 120 seconds are allowed on Fargate",
        change="set it to 120 or less",
        source=_TASK_CONTAINER,
    ),
    rule_at(
        "JD220",
        JD,
        HOSTS,
        "runtimePlatform.operatingSystemFamily",
        one_of("LINUX", *WINDOWS),
        when=_fargate_or_managed,
        allowed=f"LINUX (the default), {', '.join(WINDOWS)} are allowed",
        change="use one of these, or leave it out",
        source=_PLATFORM,
    ),
    rule_at(
        "JD221",
        JD,
        HOSTS,
        "runtimePlatform.cpuArchitecture",
        one_of("X86_64", "ARM64"),
        when=_fargate_or_managed,
        allowed="X86_64 (the default) and ARM64 are allowed",
        change="use one of these, or leave it out",
        source=_PLATFORM,
    ),
    rule_at(
        "JD222",
        JD,
        HOSTS,
        "runtimePlatform.cpuArchitecture",
        whole(_arm_windows),
        allowed="Windows containers need X86_64",
        change="set it to X86_64",
        source=_PLATFORM,
    ),
    rule_at(
        "JD223",
        JD,
        HOSTS,
        "runtimePlatform.operatingSystemFamily",
        whole(_small_windows),
        once=True,
        when=_ON_WINDOWS,
        allowed="a Windows container on Fargate takes at least 1 vCPU",
        change="set VCPU to 1 or more",
        source=_PAGE,
    ),
    rule_at(
        "JD224",
        JD,
        HOSTS,
        "runtimePlatform.operatingSystemFamily",
        _not_on_windows("linuxParameters", "privileged", "user", "ulimits", "readonlyRootFilesystem"),
        once=True,
        when=_ON_WINDOWS,
        allowed="Windows containers cannot have linuxParameters, privileged, user, ulimits or readonlyRootFilesystem",
        change="take it out",
        source=_PLATFORM,
    ),
    rule_at(
        "JD225",
        JD,
        HOSTS,
        "runtimePlatform.operatingSystemFamily",
        whole(_efs_on_windows),
        once=True,
        when=_ON_WINDOWS,
        allowed="Windows containers cannot have efsVolumeConfiguration",
        change="take the volume out",
        source=_PLATFORM,
    ),
)
"""Every row of a job on Fargate."""
