"""Readers of other programs' documents: a Pulumi preview, a Terraform plan, a CloudFormation template, an API request.

Each turns a parsed document into `Declared` resources in wire form; whatever the document does not know becomes
UNKNOWN. Nothing in a document is executed, and no reader opens a file: `guard.py` alone does, with its limits.
"""
