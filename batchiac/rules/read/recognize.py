"""Which document a file holds: told by what is in it, never by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchiac.errors import UserError
from batchiac.rules.read.cloudformation import read_cloudformation
from batchiac.rules.read.document import Document
from batchiac.rules.read.guard import Parsed
from batchiac.rules.read.pulumi_preview import read_pulumi_preview
from batchiac.rules.read.terraform_plan import read_terraform_plan

_READ = "a Pulumi preview, a Terraform plan (`terraform show -json`) or a CloudFormation template"


MAX_RESOURCES = 5_000
"""AWS has 50 environments and 50 queues in a Region, CloudFormation 500 resources in a stack."""

MAX_RESOURCE_VALUES = 150_000
"""In all resources together; each rule walks them, so that they are what the time of a check depends on."""


def read_document(parsed: Parsed) -> Document:
    """The resources that the file declares.

    Raises:
        UserError: none of the documents that are read, one without any AWS Batch resource, or more than can be
            checked in seconds.
    """
    document = _read(parsed)
    name = "standard input" if parsed.name == "-" else parsed.name
    if len(document.declared) > MAX_RESOURCES:
        raise UserError(
            f"{name} declares {len(document.declared):,} resources: at most {MAX_RESOURCES:,} are checked; give one"
            " stack at a time"
        )
    values = sum(_count(each.inputs) for each in document.declared)
    if values > MAX_RESOURCE_VALUES:
        raise UserError(
            f"{name} declares resources of {values:,} values: at most {MAX_RESOURCE_VALUES:,} are checked; AWS takes"
            " job definitions of 24 KiB"
        )
    return document


def _count(value: Any) -> int:
    """How many values there are in `value`, itself included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(_count, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_count, value))
    return 1


def _read(parsed: Parsed) -> Document:
    name = "standard input" if parsed.name == "-" else parsed.name
    value = parsed.value
    if not isinstance(value, Mapping):
        raise UserError(f"{name} is {_shape(value)}: give {_READ}")
    if isinstance(value.get("Resources"), Mapping):
        return read_cloudformation(value, name, parsed.text)
    if "format_version" in value or "planned_values" in value or "resource_changes" in value:
        return read_terraform_plan(value, name)
    if isinstance(value.get("steps"), list):
        return read_pulumi_preview(value, name)
    if value.get("version") == 3 and isinstance(value.get("deployment"), Mapping):
        raise UserError(f"{name} is a Pulumi state, not a preview: give the output of `pulumi preview --json`")
    if "terraform_version" in value and "lineage" in value:
        raise UserError(
            f"{name} is a Terraform state file: run `terraform plan -out PLAN`, then `terraform show -json PLAN`"
        )
    if "diagnostics" in value and "steps" not in value:
        raise UserError(f"{name} is a preview without steps: the program failed before it declared anything")
    keys = ", ".join(sorted(str(each)[:40] for each in value)[:5]) or "nothing"
    raise UserError(
        f"{name} is none of the documents that are read (it has {keys}): give {_READ};"
        " for a single API request use `batchiac lint request OPERATION FILE`"
    )


def _shape(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else f"a single {type(value).__name__}"
