"""`--settings FILE`: what it may say, and how it is told that something else stands there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchiac.engine.settings import EngineSettings
from batchiac.errors import ConfigError, StateError
from batchiac.local.executors.real_runs import QUICK
from batchiac.local.quotas import Quotas
from batchiac.local.server.journal import Journal
from batchiac.local.server.settings_file import kept_settings, make_quotas, make_settings, read_settings

YAML = """\
launch_ms: 30000
spot_interruptions_per_instance_hour: 1
registered_memory_mib: {c5.large: 3788}
service:
  dispatch_ms: 0
messages: {queue_not_found: "no {queue}"}
"""


@pytest.mark.parametrize("as_json", [False, True])
def test_yaml_and_json_say_the_same(tmp_path: Path, as_json: bool) -> None:
    """What is left out keeps its default, that of the executor, in nested settings too."""
    import yaml

    path = tmp_path / "settings"
    path.write_text(json.dumps(yaml.safe_load(YAML), indent="\t") if as_json else YAML, "utf-8")
    given = read_settings(path)
    for base in (EngineSettings(), QUICK):
        made = make_settings(given, base)
        assert (made.launch_ms, made.spot_interruptions_per_instance_hour) == (30_000, 1.0)
        assert (made.service.dispatch_ms, made.service.pending_ms) == (0, base.service.pending_ms)
        assert (made.registered_memory_mib, made.messages.queue_not_found) == ({"c5.large": 3788}, "no {queue}")
        assert made.admission_ms == base.admission_ms


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    """Nor does one of comments."""
    path = tmp_path / "settings.yaml"
    path.write_text("# nothing yet\n", "utf-8")
    assert make_settings(read_settings(path), QUICK) == QUICK


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lunch_ms: 1", "there is no setting lunch_ms: the nearest is launch_ms"),
        ("service: {dispach_ms: 1}", "there is no setting service.dispach_ms: the nearest is service.dispatch_ms"),
        ("3: 1", "there is no setting 3: the nearest is"),
        ("launch_ms: soon", "launch_ms is 'soon': give a whole number, such as 120000"),
        ("launch_ms: 1.5", "launch_ms is 1.5: give a whole number"),
        ("launch_ms: true", "launch_ms is True: give a whole number"),
        ("launch_ms: -1", "'launch_ms' must be >= 0: -1"),
        ("max_overshoot: 1", "max_overshoot is 1: give true or false"),
        ("cluster_names: newest", "'cluster_names' must be in"),
        ("service: 3", "service is 3: give names with values"),
        ("service: {dispatch_ms: -1}", "service: 'dispatch_ms' must be >= 0"),
        ("messages: {queue_not_found: 'no {job}'}", "messages: Messages.queue_not_found has 'job' in braces"),
        ("registered_memory_mib: {c5.large: much}", "registered_memory_mib has 'c5.large'"),
        ("quotas: {job_queue: 1}", "there is no setting quotas.job_queue: the nearest is quotas.job_queues"),
        ("quotas: {job_queues: many}", "quotas.job_queues is 'many': give a whole number"),
        ("quotas: {job_queues: -1}", "quotas: 'job_queues' must be >= 0"),
        ("quotas: 7", "quotas is 7: give names with values"),
        ("quota: 7", "the nearest is quotas"),
        ("[1]", "hold a list: give names with values"),
        ("launch_ms: [", "are not YAML at line 1"),
        ("{launch_ms: 1}", "are not JSON at line 1, column 2"),
    ],
)
def test_what_no_settings_can_be_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    """With the file's name, what was found, and what is allowed or near."""
    path = tmp_path / "settings.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        read_settings(path)
    assert said in refused.value.message
    assert str(path) in refused.value.message
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_or_no_text_is_one_sentence(tmp_path: Path) -> None:
    """Neither is a traceback."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_settings(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="are not UTF-8 text"):
        read_settings(tmp_path / "binary")


def test_a_data_folder_remembers_what_differs(tmp_path: Path) -> None:
    """A default that is spelled out is no difference; another value is a conflict, none as well."""
    folder = tmp_path / "data"

    def opened(**given: Any) -> None:
        Journal(folder, {"seed": 7, "settings": kept_settings(given)}).close()

    opened(launch_ms=0, service={"dispatch_ms": 0}, image_pull_ms=15_000)
    opened(service={"dispatch_ms": 0, "pending_ms": 10_000}, launch_ms=0)
    for other in ({"launch_ms": 1}, {}):
        with pytest.raises(StateError, match=r"was kept with settings \{'launch_ms': 0"):
            opened(**other)
    assert kept_settings({"launch_ms": 120_000, "quotas": {"job_queues": 50}}) is None


def test_quotas_are_in_the_file_too() -> None:
    """null has no limit; what differs is remembered."""
    given = {"quotas": {"job_queues": None, "compute_environments": 7}}
    assert make_quotas(given) == Quotas(job_queues=None, compute_environments=7)
    assert make_settings(given, QUICK) == QUICK
    assert kept_settings(given) == given


def test_a_folder_from_before_there_were_settings_has_the_defaults(tmp_path: Path) -> None:
    """Its meta.json does not name them."""
    Journal(tmp_path / "data", {"seed": 7}).close()
    Journal(tmp_path / "data", {"seed": 7, "settings": kept_settings({})}).close()
    with pytest.raises(StateError, match="settings None"):
        Journal(tmp_path / "data", {"seed": 7, "settings": kept_settings({"launch_ms": 1})})
