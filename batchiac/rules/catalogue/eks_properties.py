"""eksProperties: pods, their containers, resources, namespaces and volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batchiac.rules.catalogue.places import API, JD, POD_CONTAINERS, PODS, objects, rule_at
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    each_value,
    items,
    longest,
    matches,
    matches_not,
    one_of,
    shown,
    whole,
    within,
)
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_POD = API + "API_EksPodProperties.html"
_CONTAINER = API + "API_EksContainer.html"
_RESOURCES = API + "API_EksContainerResourceRequirements.html"
_METADATA = API + "API_EksMetadata.html"
_SECURITY = API + "API_EksContainerSecurityContext.html"
_POD_SECURITY = API + "API_EksPodSecurityContext.html"
_VOLUME = API + "API_EksVolume.html"
_SECCOMP = API + "API_EksSeccompProfile.html"

DNS_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
"""Source: kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names (at most 253)."""

_GPU = "nvidia.com/gpu"
_MEMORY = re.compile(r"(\d{1,12})Mi")
_CPU = re.compile(r"(\d{1,9}(?:\.\d{1,6})?|\.\d{1,6})(m?)")


def memory_mib(text: str) -> int | None:
    """The MiB that a quantity says; None where it is not a whole number with the suffix Mi."""
    match = _MEMORY.fullmatch(text)
    return int(match[1]) if match else None


def cpus(text: str) -> float | None:
    """The CPUs that a quantity says (`0.5`, `500m`); None where it says none."""
    match = _CPU.fullmatch(text)
    if match is None:
        return None
    return float(match[1]) / 1000 if match[2] else float(match[1])


def _quantities(view: View, path: str, name: str) -> Iterator[tuple[str, str]]:
    """(path, text) of `name` in the limits and in the requests of each container at `path`'s place."""
    place = path.partition(".resources")[0]
    for container in objects(view, (place,)):
        for side in ("limits", "requests"):
            part = container.part(f"resources.{side}")
            if name in part.keys():  # noqa: SIM118  a view is not a mapping
                yield f"{part.path}[{name}]" if "." in name else f"{part.path}.{name}", str(_member(part, name))


def _member(part: View, name: str) -> str:
    """The text under a name that may hold dots, which a path cannot say."""
    value = part.get("")
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _pairs(view: View, path: str, name: str) -> Iterator[tuple[View, str, str]]:
    """(container, limit, request) where both are given."""
    place = path.partition(".resources")[0]
    for container in objects(view, (place,)):
        limits, requests = container.part("resources.limits"), container.part("resources.requests")
        if name in limits.keys() and name in requests.keys():  # noqa: SIM118
            yield container, _member(limits, name), _member(requests, name)


def _memory_without_mi(view: View, path: str) -> Iterator[Broken]:
    for at, text in _quantities(view, path, "memory"):
        if memory_mib(text) is None:
            yield Broken(at, shown(text))


def _little_memory(view: View, path: str) -> Iterator[Broken]:
    for at, text in _quantities(view, path, "memory"):
        mib = memory_mib(text)
        if mib is not None and mib < 4:
            yield Broken(at, shown(text))


def _two_memories(view: View, path: str) -> Iterator[Broken]:
    for container, limit, request in _pairs(view, path, "memory"):
        if limit != request and memory_mib(limit) != memory_mib(request):
            yield Broken(
                container.absolute("resources.requests.memory"), f"{shown(request)} beside a limit of {shown(limit)}"
            )


def _odd_cpu(view: View, path: str) -> Iterator[Broken]:
    for at, text in _quantities(view, path, "cpu"):
        number = cpus(text)
        if number is None or number <= 0 or (number * 4) % 1:
            yield Broken(at, shown(text))


def _cpu_over_limit(view: View, path: str) -> Iterator[Broken]:
    for container, limit, request in _pairs(view, path, "cpu"):
        most, asked = cpus(limit), cpus(request)
        if most is not None and asked is not None and most < asked:
            yield Broken(
                container.absolute("resources.limits.cpu"), f"{shown(limit)} below the request of {shown(request)}"
            )


def _odd_gpu(view: View, path: str) -> Iterator[Broken]:
    for at, text in _quantities(view, path, _GPU):
        if not re.fullmatch(r"\d{1,4}", text):
            yield Broken(at, shown(text))


def _two_gpus(view: View, path: str) -> Iterator[Broken]:
    for container, limit, request in _pairs(view, path, _GPU):
        if limit != request:
            at = container.absolute("resources.requests")
            yield Broken(at, f"{shown(request)} GPUs beside a limit of {shown(limit)}")


def _names_twice(view: View, path: str) -> Iterator[Broken]:
    for pod in objects(view, (path.rpartition(".")[0],)):
        seen: dict[str, str] = {}
        for kind in ("containers", "initContainers"):
            for container in pod.views(kind):
                # BC: "If the name isn't specified, the default name "Default" is used."
                name = container.text("name", "Default")
                at = container.absolute("name")
                if name in seen:
                    yield Broken(at, f"{shown(name)} again, as in {seen[name]}")
                seen.setdefault(name, at)


def _unmounted(view: View, path: str) -> Iterator[Broken]:
    for pod in objects(view, (path.rpartition(".")[0],)):
        names = {each.text("name") for each in pod.views("volumes")}
        for kind in ("containers", "initContainers"):
            for container in pod.views(kind):
                for mount in container.views("volumeMounts"):
                    name = mount.text("name")
                    if name and name not in names:
                        yield Broken(mount.absolute("name"), shown(name))


def _two_namespaces(view: View, path: str) -> Iterator[Broken]:
    del path
    seen: dict[str, str] = {}
    for pod in objects(view, PODS[1:]):
        if pod.has("metadata.namespace"):
            seen.setdefault(pod.text("metadata.namespace"), pod.absolute("metadata.namespace"))
    if len(seen) > 1:
        names = list(seen)
        yield Broken(seen[names[1]], f"{shown(names[1])} where another range has {shown(names[0])}")


def _no_profile(view: View, path: str) -> Iterator[Broken]:
    for parent, last in view.parents(path):
        if parent.text("type") == "Localhost" and not parent.has(last):
            yield Broken(parent.absolute(last), "missing")


def _needless_profile(view: View, path: str) -> Iterator[Broken]:
    for parent, last in view.parents(path):
        if parent.text("type") != "Localhost" and parent.has(last):
            yield Broken(parent.absolute(last), f"given with type {parent.text('type')}")


def _long_values(view: View, path: str) -> Iterator[Broken]:
    for at, value in view.each(path):
        for key, text in value.items() if isinstance(value, dict) else ():
            if isinstance(text, str) and len(text) > 255:
                yield Broken(f"{at}.{key}", f"{len(text)} characters long")


def _bad_keys(view: View, path: str) -> Iterator[Broken]:
    for at, value in view.each(path):
        for key in value if isinstance(value, dict) else ():
            prefix, slash, name = str(key).rpartition("/")
            good_name = re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", name)
            good_prefix = not slash or (len(prefix) <= 253 and re.fullmatch(DNS_SUBDOMAIN, prefix))
            if not good_name or not good_prefix:
                yield Broken(at, f"with the key {shown(key)}")


def _long_labels(view: View, path: str) -> Iterator[Broken]:
    for at, value in view.each(path):
        for key, text in value.items() if isinstance(value, dict) else ():
            if isinstance(text, str) and len(text) > 63:
                yield Broken(f"{at}.{key}", f"{len(text)} characters long")


_PODS_OF_NODES = PODS[1:]
_SECURITY_PLACES = tuple(f"{each}.securityContext" for each in (*PODS, *POD_CONTAINERS))


def _security(rule_id: str, property_: str, places: Sequence[str], source: str) -> Rule:
    return rule_at(
        rule_id,
        JD,
        places,
        property_,
        within(0, 2147483647),
        allowed="0 to 2,147,483,647 are allowed",
        change="set it within that range, or leave it out for what the image says",
        source=source,
    )


RULES: tuple[Rule, ...] = (
    rule_at(
        "JD401",
        JD,
        PODS,
        "containers",
        items(0, 10),
        allowed="at most 10 containers are allowed in a pod",
        change="merge containers, or split the job",
        source=_POD,
    ),
    rule_at(
        "JD402",
        JD,
        PODS,
        "initContainers",
        items(0, 10),
        allowed="at most 10 init containers are allowed in a pod",
        change="merge them",
        source=_POD,
    ),
    rule_at(
        "JD403",
        JD,
        PODS,
        "containers",
        whole(_names_twice),
        allowed="each container of a pod has a name of its own (Default where none is given)",
        change="name the containers apart",
        source=_CONTAINER,
    ),
    rule_at(
        "JD404",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_memory_without_mi),
        allowed='a whole number of MiB with the suffix "Mi" is allowed',
        change='write it as in "2048Mi"',
        source=_RESOURCES,
    ),
    rule_at(
        "JD405",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_little_memory),
        allowed="at least 4 MiB are allowed",
        change="set it to 4Mi or more",
        source=_RESOURCES,
    ),
    rule_at(
        "JD406",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_two_memories),
        allowed="memory in limits must equal memory in requests",
        change="set both to the same, or give one of them",
        source=_RESOURCES,
    ),
    rule_at(
        "JD407",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_odd_cpu),
        allowed="an even multiple of 0.25 CPUs is allowed",
        change="round it to the next quarter",
        source=_RESOURCES,
    ),
    rule_at(
        "JD408",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_cpu_over_limit),
        allowed="cpu in limits must be at least cpu in requests",
        change="raise the limit, or lower the request",
        source=_RESOURCES,
    ),
    rule_at(
        "JD409",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_odd_gpu),
        allowed="a whole number of GPUs is allowed",
        change="write a whole number",
        source=_RESOURCES,
    ),
    rule_at(
        "JD410",
        JD,
        POD_CONTAINERS,
        "resources",
        whole(_two_gpus),
        allowed="nvidia.com/gpu in limits must equal that in requests",
        change="set both to the same, or give one of them",
        source=_RESOURCES,
    ),
    rule_at(
        "JD411",
        JD,
        PODS,
        "metadata.namespace",
        matches(r"(?s).{1,63}"),
        allowed="1 to 63 characters are allowed",
        change="shorten it, or leave it out for the compute environment's",
        source=_METADATA,
    ),
    rule_at(
        "JD412",
        JD,
        PODS,
        "metadata.namespace",
        each_value(lambda value: "'default'" if value == "default" else None),
        allowed="the namespace cannot be default",
        change="use the namespace of the compute environment",
        source=_METADATA,
    ),
    rule_at(
        "JD413",
        JD,
        PODS,
        "metadata.namespace",
        matches_not(r"^kube"),
        allowed="the namespace cannot start with kube",
        change="use the namespace of the compute environment",
        source=_METADATA,
    ),
    rule_at(
        "JD414",
        JD,
        PODS,
        "metadata.namespace",
        matches(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
        allowed="lower-case letters, digits and inner hyphens are allowed",
        change="correct the name",
        source=_METADATA,
    ),
    rule_at(
        "JD415",
        JD,
        _PODS_OF_NODES,
        "metadata.namespace",
        whole(_two_namespaces),
        allowed="all node ranges must have the same namespace",
        change="give the same to each",
        source=_METADATA,
    ),
    rule_at(
        "JD416",
        JD,
        POD_CONTAINERS,
        "env[].name",
        matches_not(r"^AWS_BATCH"),
        allowed="names that start with AWS_BATCH are kept for what Batch itself sets",
        change="rename the variable",
        source=_CONTAINER,
    ),
    rule_at(
        "JD417",
        JD,
        POD_CONTAINERS,
        "imagePullPolicy",
        one_of("Always", "IfNotPresent", "Never"),
        allowed="Always, IfNotPresent and Never are allowed",
        change="use one of these, or leave it out",
        source=_CONTAINER,
    ),
    rule_at(
        "JD418",
        JD,
        PODS,
        "dnsPolicy",
        one_of("Default", "ClusterFirst", "ClusterFirstWithHostNet"),
        allowed="Default, ClusterFirst and ClusterFirstWithHostNet are allowed",
        change="use one of these, or leave it out",
        source=_POD,
    ),
    rule_at(
        "JD419",
        JD,
        PODS,
        "imagePullSecrets[].name",
        matches(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?"),
        allowed="1 to 253 lower-case letters, digits, periods and hyphens are allowed, a letter or digit at both ends",
        change="correct the name",
        source=API + "API_ImagePullSecret.html",
    ),
    rule_at(
        "JD420",
        JD,
        PODS,
        "volumes",
        whole(_unmounted),
        allowed="a volume mount names one of the pod's volumes",
        change="add the volume, or correct the name",
        source=API + "API_EksContainerVolumeMount.html",
    ),
    _security("JD421", "runAsUser", _SECURITY_PLACES, _SECURITY),
    _security("JD422", "runAsGroup", _SECURITY_PLACES, _SECURITY),
    _security("JD423", "fsGroup", tuple(f"{each}.securityContext" for each in PODS), _POD_SECURITY),
    rule_at(
        "JD424",
        JD,
        _SECURITY_PLACES,
        "seccompProfile.localhostProfile",
        whole(_no_profile, on_absent=True),
        allowed="type Localhost needs the path of a profile on the node",
        change="give localhostProfile",
        source=_SECCOMP,
    ),
    rule_at(
        "JD425",
        JD,
        _SECURITY_PLACES,
        "seccompProfile.localhostProfile",
        whole(_needless_profile),
        allowed="localhostProfile is for type Localhost only",
        change="take it out, or set type to Localhost",
        source=_SECCOMP,
    ),
    rule_at(
        "JD426",
        JD,
        tuple(f"{each}.securityContext.capabilities" for each in POD_CONTAINERS),
        "add[]",
        matches_not(r"^CAP_"),
        allowed="names of capabilities stand without CAP_",
        change="take the prefix off",
        source=API + "API_EksContainerLinuxCapabilities.html",
    ),
    rule_at(
        "JD427",
        JD,
        tuple(f"{each}.securityContext.capabilities" for each in POD_CONTAINERS),
        "drop[]",
        matches_not(r"^CAP_"),
        allowed="names of capabilities stand without CAP_",
        change="take the prefix off",
        source=API + "API_EksContainerLinuxCapabilities.html",
    ),
    rule_at(
        "JD428",
        JD,
        PODS,
        "volumes[].emptyDir.medium",
        one_of("", "Memory"),
        allowed='"" (the node\'s disk) and Memory are allowed',
        change="use one of these, or leave it out",
        source=API + "API_EksEmptyDir.html",
    ),
    rule_at(
        "JD429",
        JD,
        PODS,
        "volumes[].name",
        matches(rf"(?=.{{1,253}}$){DNS_SUBDOMAIN}"),
        allowed="a DNS subdomain name is allowed",
        change="use lower-case letters, digits, hyphens and periods",
        source=_VOLUME,
    ),
    rule_at(
        "JD430",
        JD,
        PODS,
        "volumes[].secret.secretName",
        matches(rf"(?=.{{1,253}}$){DNS_SUBDOMAIN}"),
        allowed="a DNS subdomain name is allowed",
        change="use lower-case letters, digits, hyphens and periods",
        source=API + "API_EksSecret.html",
    ),
    rule_at(
        "JD431",
        JD,
        PODS,
        "metadata.annotations",
        whole(_long_values),
        allowed="an annotation's value has at most 255 characters",
        change="shorten it",
        source=_METADATA,
    ),
    rule_at(
        "JD432",
        JD,
        PODS,
        "metadata.annotations",
        whole(_bad_keys),
        allowed="an annotation's key is a name of at most 63 characters, after an optional DNS subdomain and /",
        change="correct the key",
        source=_METADATA,
    ),
    rule_at(
        "JD433",
        JD,
        PODS,
        "metadata.labels",
        whole(_long_labels),
        allowed="a label's value has at most 63 characters",
        change="shorten it",
        source=_METADATA,
    ),
    rule_at(
        "JD434",
        JD,
        tuple(f"{each}.securityContext" for each in POD_CONTAINERS),
        "privileged",
        each_value(lambda value: "true" if value is True else None),
        level=Level.ADVICE,
        allowed="a privileged container has the rights of root on its node",
        change="give the capabilities that it needs instead",
        source=_SECURITY,
    ),
    rule_at(
        "JD435",
        JD,
        PODS,
        "serviceAccountName",
        longest(253),
        allowed="a service account's name has at most 253 characters",
        change="shorten it",
        source="https://kubernetes.io/docs/concepts/security/service-accounts/",
    ),
)
"""Every row of eksProperties."""
