"""Opens a workload file of any form that batchiac reads, told apart by what is in it, not by its name."""

from __future__ import annotations

import json
from pathlib import Path

from batchiac.errors import WorkloadError
from batchiac.verify.own_yaml import parse_own_yaml
from batchiac.verify.swf import is_swf, parse_swf
from batchiac.verify.wfformat import is_wfformat, parse_wfformat
from batchiac.verify.workload import Workload

FORMS = "batchiac's own YAML, WfFormat 1.5 (JSON), or SWF"


def read_workload(path: Path) -> Workload:
    """The workload in `path`.

    Raises:
        WorkloadError: the file cannot be read, is of no known form, or breaks a rule of its form.
    """
    name = str(path)
    try:
        return _parse(path, _read_text(path))
    except WorkloadError as error:
        if name in error.message:
            raise
        # What holds of every form (a cycle, a missing parent) is found where the file's name is not known.
        raise WorkloadError(f"{name}: {error.message}") from error


def _read_text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WorkloadError(f"the workload {path} cannot be read: {error.strerror}; name a file in {FORMS}") from error
    except UnicodeDecodeError as error:
        raise WorkloadError(f"the workload {path} is not UTF-8 text; a workload is {FORMS}") from error
    if not text.strip():
        raise WorkloadError(f"the workload {path} is empty; write one in {FORMS}")
    return text


def _parse(path: Path, text: str) -> Workload:
    name = str(path)
    # JSON is YAML too, but YAML's parser takes seconds for a megabyte and tells of an error in its own words.
    if text.lstrip().startswith("{") and _says_json(path, text):
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise WorkloadError(
                f"{path} is not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
            ) from error
        if is_wfformat(document):
            return parse_wfformat(document, name)
    elif is_swf(text):
        return parse_swf(text, name)
    return parse_own_yaml(text, name)


def _says_json(path: Path, text: str) -> bool:
    return path.suffix.lower() == ".json" or text.lstrip()[1:].lstrip().startswith('"')
