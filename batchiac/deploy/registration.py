"""What a program asks for: one resource with its options, read from the SDK's request.

An option that is not honoured is refused here, so that none is ever ignored in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from batchiac.deploy.urn import ROOT_TYPE, inherited_alias, make_urn, name_of, parse_urn
from batchiac.deploy.values import from_struct
from batchiac.errors import UnsupportedError, UserError


@frozen(eq=False)
class Registration:
    """One resource as the program declares it.

    Attributes:
        urn: its name in the state.
        inputs: in our form (deploy.values), `__provider` among them for dynamic resources.
        delete_before_replace: None when the program does not say.
        aliases: URNs that the resource may have had before.
        custom_timeouts: `{"create": seconds, "update": …, "delete": …}`.
        source_position: `file:///…#line`, empty when the SDK did not send it.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = {}
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    retain_on_delete: bool = False
    deleted_with: str = ""
    aliases: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, float] = {}
    import_id: str = ""
    source_position: str = ""

    @property
    def is_root(self) -> bool:
        return self.type == ROOT_TYPE


REFUSED: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("provider", lambda request: bool(request.provider), "an explicit provider"),
    ("providers", lambda request: bool(request.providers), "explicit providers"),
    ("remote", lambda request: bool(request.remote), "a remote component"),
    ("transforms", lambda request: bool(request.transforms), "the option transforms"),
    ("hooks", lambda request: _has_hooks(request), "the option hooks"),
    ("state_migrations", lambda request: bool(request.state_migrations), "the option state_migrations"),
    ("replace_with", lambda request: bool(request.replace_with), "the option replace_with"),
    (
        "replacement_trigger",
        lambda request: request.HasField("replacement_trigger"),
        "the option replacement_trigger",
    ),
    ("envVarMappings", lambda request: bool(request.envVarMappings), "the option env_var_mappings"),
    ("packageRef", lambda request: bool(request.packageRef), "a parameterized package"),
    ("pluginDownloadURL", lambda request: bool(request.pluginDownloadURL), "the option plugin_download_url"),
    ("version", lambda request: bool(request.version), "the option version"),
    ("hideDiffs", lambda request: bool(request.hideDiffs), "the option hide_diffs"),
)
"""Request field → how to see that it is set → its name in a refusal. An older SDK's request may lack a field."""


def _has_hooks(request: Any) -> bool:
    return request.HasField("hooks") and any(value for _, value in request.hooks.ListFields())


def require_supported(request: Any) -> None:
    """Refuse options that the embedded engine does not honour.

    Raises:
        UnsupportedError: naming the resource, the option and `pulumi up`.
    """
    known = request.DESCRIPTOR.fields_by_name
    for name, is_set, what in REFUSED:
        if name in known and is_set(request):
            raise UnsupportedError(
                f"{request.type} {request.name} has {what}, which batchiac does not support: leave it out, or deploy"
                " this program with `pulumi up`"
            )


def read_registration(
    request: Any,
    *,
    stack: str,
    project: str,
    renamed_parents: Mapping[str, str],
    parent: Registration | None = None,
    root: str = "",
) -> Registration:
    """The registration in a request of the SDK (`RegisterResourceRequest`).

    Args:
        renamed_parents: URN → its old URN, for resources that were found under an alias in this run.
        parent: the registration of its parent, whose options it inherits where it says none.
        root: path of the project, by which source positions are shortened.

    Raises:
        UnsupportedError, UserError: an option is not honoured, or makes no sense.
    """
    require_supported(request)
    urn = make_urn(stack, project, request.type, request.name, request.parent)
    return Registration(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        custom=request.custom,
        inputs=from_struct(request.object, f"{request.type} {request.name}"),
        # The SDK collects them in sets, whose order differs from run to run; a state file should not.
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(value.urns)) for key, value in sorted(request.propertyDependencies.items())
        },
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        # As Pulumi's engine: a child inherits these two from its parent, unless it says them itself; the SDK hands
        # protect down, and no other option is. Source: pulumi/pkg/resource/deploy/source_eval.go, inheritFromParent.
        retain_on_delete=(
            parent.retain_on_delete if parent is not None and not _says_retain(request) else request.retainOnDelete
        ),
        deleted_with=request.deletedWith or (parent.deleted_with if parent is not None else ""),
        aliases=_aliases(request, stack, project, renamed_parents),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        custom_timeouts=_timeouts(request),
        import_id=request.importId,
        source_position=_position(request, root),
    )


def _says_retain(request: Any) -> bool:
    # To an older SDK, "no" and "not said" are one.
    has_presence = request.DESCRIPTOR.fields_by_name["retainOnDelete"].has_presence
    return bool(request.HasField("retainOnDelete") if has_presence else request.retainOnDelete)


def _aliases(request: Any, stack: str, project: str, renamed_parents: Mapping[str, str]) -> tuple[str, ...]:
    parent = request.parent
    old_parent = renamed_parents.get(parent, "")
    found: dict[str, None] = dict.fromkeys(request.aliasURNs)
    for alias in request.aliases:
        if alias.urn:
            found[alias.urn] = None
            continue
        spec = alias.spec
        above = "" if spec.noParent else (spec.parentUrn or parent)
        type_, name = spec.type or request.type, spec.name or request.name
        found[make_urn(spec.stack or stack, spec.project or project, type_, name, above)] = None
        if old_parent and not spec.noParent and not spec.parentUrn:
            found[inherited_alias(name, type_, name_of(parent), old_parent)] = None
    if old_parent:
        found[inherited_alias(request.name, request.type, name_of(parent), old_parent)] = None
    own = make_urn(stack, project, request.type, request.name, parent)
    return tuple(urn for urn in found if urn != own and _is_urn(urn))


def _is_urn(text: str) -> bool:
    try:
        parse_urn(text)
    except ValueError:
        raise UserError(f"the alias {text!r} is not a URN: give an Alias(name=…) or urn:pulumi:…") from None
    return True


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)")
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def duration_s(text: str) -> float:
    """Seconds of a duration as Go writes it: `1h30m`, `5m`, `0.5s`.

    Raises:
        ValueError: it is none.
    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def _timeouts(request: Any) -> dict[str, float]:
    timeouts = {}
    for verb in ("create", "update", "delete"):
        if text := getattr(request.customTimeouts, verb):
            try:
                seconds = duration_s(text)
            except ValueError:
                raise UserError(
                    f"{request.type} {request.name} has the custom timeout {verb}={text!r}:"
                    " write it like 5m, 1h30m, 90s"
                ) from None
            timeouts[verb] = int(seconds) if seconds.is_integer() else seconds
    return timeouts


def _position(request: Any, root: str) -> str:
    uri: str = request.sourcePosition.uri
    if not uri:
        return ""
    prefix = f"file://{root}/"
    if root and uri.startswith(prefix):
        uri = f"project:///{uri.removeprefix(prefix)}"
    return f"{uri}#{request.sourcePosition.line}"
