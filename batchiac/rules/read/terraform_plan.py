"""A Terraform (or OpenTofu) plan, as `terraform show -json PLAN` prints it.

Values come from `resource_changes[].change.after`; what `after_unknown` marks becomes UNKNOWN, and what
`after_sensitive` marks too, because a finding would print it. Where an unknown value comes from is in
`configuration`: the references of its expression, followed through module variables and module outputs.
Source: developer.hashicorp.com/terraform/internals/json-format, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from batchiac.errors import UserError
from batchiac.model.unknown import UNKNOWN
from batchiac.rules.read.document import Document, Leads, declare, update_policy_of
from batchiac.rules.read.foreign_names import foreign_inputs

KINDS = {
    "aws_batch_compute_environment": "ComputeEnvironment",
    "aws_batch_job_queue": "JobQueue",
    "aws_batch_job_definition": "JobDefinition",
    "aws_batch_scheduling_policy": "SchedulingPolicy",
    "aws_launch_template": "LaunchTemplate",
    "aws_placement_group": "PlacementGroup",
    "aws_iam_role": "Role",
    "aws_iam_instance_profile": "InstanceProfile",
}
"""Resource types that are read. Every other type is left alone, and one that Batch owns is named in a note."""

_REFERENCE = re.compile(r"(aws_[a-z0-9_]+\.[\w-]+)(\[[^\]]{0,200}\])?")
_STEP = re.compile(r"module\.[\w-]+(?:\[[^\]]{0,200}\])?")
_MAX_HOPS = 20
"""Variables through nested modules; more is a plan that leads to itself."""


@frozen(eq=False)
class _Module:
    """One module of the configuration.

    Attributes:
        config: its own part of `configuration`.
        prefix: its address before a resource's own, `module.a.`.
        parent: the module that calls it; None for the root.
        call: the expressions of that call, by variable.
        expressions: those of its resources, by (type, name).
    """

    config: Mapping[str, Any]
    prefix: str = ""
    parent: _Module | None = None
    call: Mapping[str, Any] = field(factory=dict)
    expressions: dict[tuple[str, str], Mapping[str, Any]] = field(factory=dict)


class _Plan:
    """The plan's parts, each looked up once however many resources there are."""

    def __init__(self, configuration: Any, addresses: Mapping[str, Any]) -> None:
        self.addresses = addresses
        self.instances: dict[str, list[str]] = {}
        for each in addresses:
            # `module.a["x"].aws_batch_job_queue.q[0]`: only a last index is the resource's own.
            self.instances.setdefault(re.sub(r"\[[^\[\]]{0,200}\]$", "", each), []).append(each)
        self._modules: dict[str, _Module] = {"": _module(_mapping(_mapping(configuration).get("root_module")))}

    def module(self, address: str) -> _Module:
        """The module at `module.a[0].module.b`; the root at ""."""
        if address not in self._modules:
            steps = _STEP.findall(address)
            above, last = ".".join(steps[:-1]), steps[-1] if steps else ""
            name = last.removeprefix("module.").partition("[")[0]
            if not steps or above == address:
                return self._modules[""]
            self._modules[address] = self.enter(self.module(above), name, f"{address}.")
        return self._modules[address]

    def enter(self, module: _Module, name: str, prefix: str) -> _Module:
        """The module that `module` calls as `name`."""
        call = _mapping(_mapping(module.config.get("module_calls")).get(name))
        return _module(_mapping(call.get("module")), prefix, module, _mapping(call.get("expressions")))


def _module(
    config: Mapping[str, Any], prefix: str = "", parent: _Module | None = None, call: Mapping[str, Any] | None = None
) -> _Module:
    resources = config.get("resources")
    expressions = {
        (str(each.get("type")), str(each.get("name"))): _mapping(each.get("expressions"))
        for each in (resources if isinstance(resources, list) else ())
        if isinstance(each, Mapping)
    }
    return _Module(config, prefix, parent, call or {}, expressions)


def read_terraform_plan(value: Mapping[str, Any], name: str) -> Document:
    """The Batch resources of a plan, and what they lead to.

    Raises:
        UserError: a format of another major version, a state instead of a plan, a plan that failed, or one without
            any Batch resource.
    """
    version = str(value.get("format_version", ""))
    if not version.startswith(("0.", "1.")):
        raise UserError(f"{name} has Terraform's JSON format {version!r}: formats 0.x and 1.x are read")
    changes = value.get("resource_changes")
    if not isinstance(changes, list):
        if "values" in value:
            raise UserError(
                f"{name} is a Terraform state, not a plan: run `terraform plan -out PLAN`, then"
                " `terraform show -json PLAN`"
            )
        raise UserError(f"{name} is a Terraform plan without resource_changes: nothing is planned")
    planned = [each for each in changes if _is_planned(each)]
    addresses = {each["address"]: each for each in planned if each["type"] in KINDS}
    plan = _Plan(value.get("configuration"), addresses)
    declared = []
    policies: dict[str, Any] = {}
    notes: list[str] = []
    for address, change in addresses.items():
        kind = KINDS[change["type"]]
        module = plan.module(str(change.get("module_address") or ""))
        after = _overlay(
            change["change"].get("after"),
            change["change"].get("after_unknown"),
            change["change"].get("after_sensitive"),
            module.expressions.get((change["type"], str(change.get("name"))), {}),
            _Resolver(plan, module, change),
        )
        inputs, unread = foreign_inputs(kind, after, address, "terraform")
        notes += [f"{address}.{each}" for each in unread]
        declared.append(declare(kind, address, inputs))
        policies[address] = update_policy_of(kind, inputs)
    if not any(each["type"].startswith("aws_batch_") for each in planned):
        types = sorted({each["type"] for each in planned})
        found = ", ".join(types[:5]) + (", …" if len(types) > 5 else "") if types else "no resource"
        raise UserError(f"{name} plans {found}: no aws_batch_ resource is there to check")
    notes += [
        f"{each['address']}: no rule is about a {each['type']}"
        for each in planned
        if each["type"].startswith("aws_batch_") and each["type"] not in KINDS
    ]
    if value.get("errored"):
        notes.append("the plan ended with an error of Terraform's: resources may be missing")
    return Document("Terraform plan", tuple(declared), tuple(notes), update_policies=policies)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_planned(change: Any) -> bool:
    """True for a managed resource that will exist after the plan."""
    if not isinstance(change, Mapping) or not isinstance(change.get("change"), Mapping):
        return False
    if not isinstance(change.get("address"), str) or not isinstance(change.get("type"), str):
        return False
    return change.get("mode", "managed") == "managed" and isinstance(change["change"].get("after"), Mapping)


def _overlay(after: Any, unknown: Any, sensitive: Any, expression: Any, resolver: _Resolver) -> Any:
    """`after` with every unknown leaf as UNKNOWN, or as the resource that it leads to."""
    if unknown is True:
        return resolver.leads(expression)
    if sensitive is True:
        return UNKNOWN
    if isinstance(after, Mapping) or (after is None and isinstance(unknown, Mapping)):
        result = {}
        keys = dict.fromkeys((*_mapping(after), *_mapping(unknown)))
        for key in keys:
            inner = expression.get(key) if isinstance(expression, Mapping) else None
            # A literal object has one expression for the whole of it.
            inner = expression if inner is None and _is_leaf_expression(expression) else inner
            result[key] = _overlay(
                _mapping(after).get(key), _mapping(unknown).get(key), _mapping(sensitive).get(key), inner, resolver
            )
        return result
    if isinstance(after, list) or (after is None and isinstance(unknown, list)):
        ours, unknowns, secrets = (each if isinstance(each, list) else [] for each in (after, unknown, sensitive))
        result_list = []
        for index in range(max(len(ours), len(unknowns))):
            if isinstance(expression, list):
                inner = expression[index] if index < len(expression) else None
            else:
                inner = expression
            result_list.append(
                _overlay(
                    ours[index] if index < len(ours) else None,
                    unknowns[index] if index < len(unknowns) else None,
                    secrets[index] if index < len(secrets) else None,
                    inner,
                    resolver,
                )
            )
        # References of one expression stand in the order of its elements where there are as many of both.
        return resolver.spread(result_list, expression)
    return after


def _is_leaf_expression(expression: Any) -> bool:
    return isinstance(expression, Mapping) and isinstance(expression.get("references"), list)


class _Resolver:
    """Finds the planned resource that an expression's references lead to."""

    def __init__(self, plan: _Plan, module: _Module, change: Mapping[str, Any]) -> None:
        self._plan = plan
        self._module = module
        self._index = change.get("index")

    def leads(self, expression: Any) -> Any:
        """`Leads` to the one resource that the expression refers to; UNKNOWN where there is none, or several."""
        targets = self._targets(expression)
        return Leads(targets[0]) if len(targets) == 1 else UNKNOWN

    def spread(self, values: list[Any], expression: Any) -> list[Any]:
        """Unknown elements of a list matched with the references of its one expression, when there are as many."""
        if not _is_leaf_expression(expression) or not values or any(each is not UNKNOWN for each in values):
            return values
        targets = self._targets(expression)
        return [Leads(each) for each in targets] if len(targets) == len(values) else values

    def _targets(self, expression: Any) -> list[str]:
        if not _is_leaf_expression(expression):
            return []
        found: dict[str, None] = {}
        for reference in expression["references"]:
            if isinstance(reference, str):
                found.update(dict.fromkeys(self._follow(reference, self._module, 0)))
        return list(found)

    def _follow(self, reference: str, module: _Module, hops: int) -> Iterator[str]:
        if hops > _MAX_HOPS:
            return
        kind, _, rest = reference.partition(".")
        name = re.split(r"[.\[]", rest)[0]
        if kind == "var" and module.parent is not None:
            for each in _references(module.call.get(name)):
                yield from self._follow(each, module.parent, hops + 1)
        elif kind == "module":
            output = re.match(r"module\.[\w-]+(\[[^\]]{0,200}\])?\.([\w-]+)", reference)
            if output is not None:
                inner = self._plan.enter(module, name, f"{module.prefix}module.{name}{output[1] or ''}.")
                out = _mapping(_mapping(inner.config.get("outputs")).get(output[2]))
                for each in _references(out.get("expression")):
                    yield from self._follow(each, inner, hops + 1)
        else:
            yield from self._declared(reference, module.prefix)

    def _declared(self, reference: str, prefix: str) -> Iterator[str]:
        match = _REFERENCE.match(reference)
        if match is None or match[1].partition(".")[0] not in KINDS:
            return
        base = prefix + match[1]
        if base + (match[2] or "") in self._plan.addresses:
            yield base + (match[2] or "")
            return
        instances = self._plan.instances.get(base, [])
        twin = f"{base}[{_shown_index(self._index)}]"
        if len(instances) == 1:
            yield instances[0]
        elif self._index is not None and twin in instances:
            # Both are made by the same count or for_each, the common way to pair them.
            yield twin


def _references(expression: Any) -> list[str]:
    if not _is_leaf_expression(expression):
        return []
    return [each for each in expression["references"] if isinstance(each, str)]


def _shown_index(index: Any) -> str:
    return f'"{index}"' if isinstance(index, str) else str(index)
