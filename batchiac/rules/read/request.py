"""One request to AWS Batch's API, as JSON or YAML: what `aws batch <operation> --cli-input-json` takes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from batchiac.errors import UserError


def require_operation(operation: str, known: Collection[str]) -> str:
    """The API's name of `operation`: `CreateJobQueue`, `create-job-queue` and `create_job_queue` are the same.

    Raises:
        UserError: AWS Batch has no such operation (with the nearest that it has).
    """
    plain = operation.replace("-", "").replace("_", "").lower()
    for each in known:
        if each.lower() == plain:
            return each
    near = difflib.get_close_matches(operation, list(known), n=1, cutoff=0.0)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise UserError(f"AWS Batch has no operation {operation[:80]!r}{meant}")


def read_request(value: Any, name: str, operation: str) -> dict[str, Any]:
    """The members of the request.

    Raises:
        UserError: not an object, or a plan or template instead of a request.
    """
    if not isinstance(value, Mapping):
        raise UserError(f"{name} is not a JSON object: give the members of {operation}, as --cli-input-json takes them")
    for key, what in (("Resources", "a CloudFormation template"), ("resource_changes", "a Terraform plan")):
        if key in value:
            raise UserError(f"{name} is {what}, not a request: use `batchiac lint {name}`")
    return dict(value)
