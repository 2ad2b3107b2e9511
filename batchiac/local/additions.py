"""What the rest of moto lacks or gets wrong for a Batch account, in one call for `install()` and the server."""

from __future__ import annotations

from batchiac.local.container_instances import install_container_instances
from batchiac.local.iam import install_iam
from batchiac.local.launch_template import install_launch_templates
from batchiac.local.network import install_network
from batchiac.local.placement_group import install_placement_groups


def install_additions() -> None:
    """Add and correct all of it; each part can be called alone, and again, without harm."""
    install_placement_groups()
    install_launch_templates()
    install_network()
    install_iam()
    install_container_instances()
