"""What a compute environment, queue, job definition, job and instance type *are*. Values only: no I/O."""

from batchiac.model.unknown import UNKNOWN, contains_unknown

__all__ = ["UNKNOWN", "contains_unknown"]
