"""How jobs end for users of plain moto: its configuration and its switch hold for the drop-in as well.

`mock_aws(config={"batch": {"use_docker": False}})` means jobs that take no time and end well, whatever their command;
the variable MOTO_SIMPLE_BATCH_FAIL_AFTER makes them fail, after so many seconds (0 where it is no number).
Source: https://github.com/getmoto/moto/blob/5.2.5/moto/batch_simple/models.py.
"""

from __future__ import annotations

import os

from moto.core.config import default_user_config

FAIL_AFTER = "MOTO_SIMPLE_BATCH_FAIL_AFTER"


def uses_docker() -> bool:
    """False where moto's configuration says that jobs take no time."""
    return default_user_config.get("batch", {}).get("use_docker") is not False


def ending_tags() -> dict[str, str]:
    """How a job ends without Docker, in the form of our own tags; a job's or definition's own tags win over these."""
    wanted = os.environ.get(FAIL_AFTER)
    if not wanted:
        return {"batchiac:exit": "0"}
    seconds = wanted if wanted.isascii() and wanted.isdigit() else "0"
    return {"batchiac:exit": "1", "batchiac:duration": seconds}
