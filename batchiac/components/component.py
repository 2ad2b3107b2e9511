"""What the components share: the option `import_`, which Pulumi knows for single resources only.

A component that makes one resource hands the option on to it, so that a program says `import_` where it says everything
else. One that makes several cannot: an id names one of them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pulumi

from batchiac.components.stack_config import ConfigRunError


class Component(pulumi.ComponentResource):
    """The base of batchiac's components.

    Attributes:
        import_id: what `import_` named, for the one resource below; None without the option.
    """

    makes_one: ClassVar[bool] = True
    """False for components that make several resources."""

    def __init__(self, t: str, name: str, props: Any = None, opts: pulumi.ResourceOptions | None = None) -> None:
        self.import_id: pulumi.Input[str] | None = None
        if opts is not None and opts.import_ is not None:
            if not self.makes_one:
                raise ConfigRunError(
                    f"{type(self).__name__} {name} makes several resources, and import_ names one: give the ids of what"
                    " exists as arguments, or import each with batch.WireResource"
                )
            self.import_id = opts.import_
            opts = pulumi.ResourceOptions.merge(opts, None)
            opts.import_ = None
        super().__init__(t, name, props, opts)
