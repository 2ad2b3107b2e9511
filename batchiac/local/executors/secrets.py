"""The value of a container's secret, from the stack's own Secrets Manager or Systems Manager.

Source: https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data-secrets.html and
specifying-sensitive-data-parameters.html, read 2026-11-21.
"""

from __future__ import annotations

import json


class SecretError(Exception):
    """A secret cannot be read: the container is not started. The text is the reason that the job shows."""


def read_secret(value_from: str, region: str, account: str) -> str:
    """A secret.

    Args:
        value_from: `arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]`, or the name
            or ARN of a parameter.

    Raises:
        SecretError: there is none, or not this key of it.
    """
    parts = value_from.split(":")
    if value_from.startswith("arn:") and len(parts) >= 7 and parts[2] == "secretsmanager":
        return _from_secrets_manager(parts, account)
    return _from_parameters(value_from, parts, region, account)


def _from_secrets_manager(parts: list[str], account: str) -> str:
    from moto.secretsmanager.models import secretsmanager_backends
    from werkzeug.exceptions import HTTPException

    key, stage, version = [*parts[7:], "", "", ""][:3]
    arn, region = ":".join(parts[:7]), parts[3]
    try:
        found = secretsmanager_backends[account][region].get_secret_value(arn, version, stage)
    except HTTPException as error:
        raise _unreadable("Secrets Manager", region, arn, error) from error
    text = found.get("SecretString")
    if text is None:
        raise SecretError(f"ResourceInitializationError: unable to pull secrets: {arn} has no SecretString")
    if not key:
        return str(text)
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        text = f"retrieved secret from Secrets Manager did not contain json key {key}"
        raise SecretError(f"ResourceInitializationError: unable to pull secrets or registry auth: {text}") from error
    return value if isinstance(value, str) else json.dumps(value)


def _from_parameters(value_from: str, parts: list[str], region: str, account: str) -> str:
    from moto.ssm.models import ssm_backends
    from werkzeug.exceptions import HTTPException

    name = value_from
    if value_from.startswith("arn:"):
        region = parts[3]
        name = parts[5].removeprefix("parameter") if len(parts) > 5 else value_from
    backend = ssm_backends[account][region]
    try:
        # An ARN has no slash more for `name` than for `/name`.
        found = backend.get_parameter(name) or (backend.get_parameter(name.lstrip("/")) if name != value_from else None)
    except HTTPException as error:
        raise _unreadable("SSM", region, value_from, error) from error
    if found is None:
        raise SecretError(
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm:"
            f" invalid parameters: {value_from}"
        )
    return str(found.decrypt(found.value))


def _unreadable(service: str, region: str, name: str, error: Exception) -> SecretError:
    return SecretError(
        "ResourceInitializationError: unable to pull secrets or registry auth: fetching secret data from"
        f" {service} in region {region}: secret {name}: {getattr(error, 'message', error)}"
    )
