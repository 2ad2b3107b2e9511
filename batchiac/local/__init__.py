"""The local stack: moto with its Batch replaced by ours (an extra: `pip install batchiac[local]`).

    import batchiac.local
    batchiac.local.install()            # once: moto's mock_aws and server now use our Batch
    with moto.mock_aws(): ...           # as before

For tests of your own `batchiac.testing.local_stack` is shorter. `install` and `uninstall` are loaded when called, so
that importing this package imports neither moto nor boto3.

Way of a request: HTTP (wire, or server/) → dispatch (model, rules) → operations/<resource>.py → the engine, and what
has happened there → projections/ (ECS, EC2, Auto Scaling, logs, events).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchiac.local.installation import install, uninstall
    from batchiac.local.stage import StageSettings

__all__ = ["StageSettings", "install", "uninstall"]


def __getattr__(name: str) -> Any:
    if name in ("install", "uninstall"):
        import importlib

        return getattr(importlib.import_module("batchiac.local.installation"), name)
    if name == "StageSettings":
        from batchiac.local.stage import StageSettings

        return StageSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
