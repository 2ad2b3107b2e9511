"""Infrastructure as code for AWS Batch. Start at docs/architecture.md."""

__version__ = "0.1.0"
