"""The only door to boto3: sessions, find · status · wait, AWS's refusals translated."""

from batchiac.aws.door import Client, Door

__all__ = ["Client", "Door"]
