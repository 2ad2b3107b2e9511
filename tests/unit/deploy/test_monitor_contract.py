"""The seam to the SDK, held fast: what it calls and sends, and what we announce. An SDK that differs fails here."""

from __future__ import annotations

import inspect
from pathlib import Path

import pulumi.runtime
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import engine_pb2, resource_pb2

from batchiac.deploy.monitor import FEATURES, SEVERITIES, Monitor
from batchiac.deploy.registration import REFUSED

MONITOR_METHODS = {
    "Call",
    "ExistsResource",
    "GetDeploymentInfo",
    "Invoke",
    "ReadResource",
    "RegisterErrorHook",
    "RegisterPackage",
    "RegisterResource",
    "RegisterResourceHook",
    "RegisterResourceOutputs",
    "RegisterStackInvokeTransform",
    "RegisterStackTransform",
    "SignalAndWaitForShutdown",
    "SupportsFeature",
}
"""What the SDK's resource monitor can be asked (pulumi 3.272)."""

ENGINE_METHODS = {"GetRootResource", "Log", "RequirePulumiVersion", "SetRootResource", "StartDebugging"}

HONOURED = {
    "acceptResources",
    "acceptSecrets",
    "accepts_byte_string",
    "additionalSecretOutputs",
    "aliases",
    "aliasSpecs",
    "aliasURNs",
    "custom",
    "customTimeouts",
    "deleteBeforeReplace",
    "deleteBeforeReplaceDefined",
    "deletedWith",
    "dependencies",
    "ignoreChanges",
    "importId",
    "name",
    "object",
    "parent",
    "propertyDependencies",
    "protect",
    "replaceOnChanges",
    "retainOnDelete",
    "sourcePosition",
    "supportsPartialValues",
    "supportsResultReporting",
    "type",
}
"""Fields of a registration that are read, or that only say what the SDK itself can take."""

WITHOUT_EFFECT = {
    "stackTrace": "where the program called from: for error messages only",
    "parentStackTraceHandle": "the same, of remote components",
    "pluginChecksums": "of plugins; packages that have them are refused by their type",
    "snippetId": "of PCL snippets, which a Python program has none of",
}


def methods(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, inspect.isfunction) if name[0].isupper()}


def test_the_monitor_answers_every_method_of_the_protocol() -> None:
    """Every method of both services has an answer or a refusal; a new one in the SDK is a decision to make."""
    monitor = {each.name for each in resource_pb2.DESCRIPTOR.services_by_name["ResourceMonitor"].methods}
    engine = {each.name for each in engine_pb2.DESCRIPTOR.services_by_name["Engine"].methods}
    assert monitor == MONITOR_METHODS
    assert engine == ENGINE_METHODS
    assert methods(Monitor) == MONITOR_METHODS | ENGINE_METHODS


def test_the_sdk_calls_no_other_method() -> None:
    """What the SDK's own mock answers, ours answers."""
    assert methods(mocks.MockMonitor) <= methods(Monitor)
    assert methods(mocks.MockEngine) <= methods(Monitor)


def test_every_field_of_a_registration_is_honoured_refused_or_without_effect() -> None:
    """No option is ignored in silence: a field that the SDK adds fails here until it has a place."""
    fields = set(resource_pb2.RegisterResourceRequest.DESCRIPTOR.fields_by_name)
    refused = {name for name, _, _ in REFUSED}
    assert fields - HONOURED - refused - set(WITHOUT_EFFECT) == set()
    assert HONOURED & refused == set()


def test_announced_features_exist() -> None:
    """Each announced feature is the SDK's; what is not announced is known, too."""
    names = dict(resource_pb2.ResourceMonitorFeature.items())
    known = {name.removeprefix("RESOURCE_MONITOR_FEATURE_") for name in names}
    assert set(FEATURES) <= known
    assert known - set(FEATURES) == {
        "BYTE_STRING",
        "CALL_OUTPUT_VALUES",
        "INVOKE_DEPENDS_ON",
        "INVOKE_OUTPUT_VALUES",
        "INVOKE_PARENT",
        "OUTPUT_VALUES",
        "SENDS_OPTIONS_TO_HOOKS",
    }


def test_severities_are_the_sdks() -> None:
    """The words stand in the order of the SDK's numbers."""
    assert tuple(name.lower() for name, _ in engine_pb2.LogSeverity.items()) == SEVERITIES


def test_settings_take_objects() -> None:
    """The SDK still takes a monitor and an engine that are plain objects, and still keeps settings by context."""
    parameters = inspect.signature(settings.Settings.__init__).parameters
    assert {"monitor", "engine", "project", "stack", "dry_run", "organization", "root_directory"} <= set(parameters)
    assert inspect.iscoroutinefunction(pulumi.runtime.run_in_stack)


def test_values_of_the_wire_are_the_sdks() -> None:
    """Signatures and the sentinel are those of the installed SDK."""
    from pulumi.runtime import rpc

    from batchiac.deploy import values

    assert values.UNKNOWN_TEXT == rpc.UNKNOWN
    assert rpc._special_sig_key == values.SIGNATURE_KEY
    assert rpc._special_secret_sig == values.SECRET
    assert rpc._special_resource_sig == values.REFERENCE
    assert rpc._special_output_value_sig == values.OUTPUT_VALUE
    assert {rpc._special_asset_sig, rpc._special_archive_sig} == values.ASSETS


def test_only_the_program_host_imports_the_runtime() -> None:
    """The seam is in one file."""
    folder = Path(inspect.getfile(Monitor)).parent
    users = {path.name for path in folder.rglob("*.py") if "from pulumi.runtime" in path.read_text(encoding="utf-8")}
    assert users == {"program_host.py"}
