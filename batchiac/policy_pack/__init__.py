"""The documented rules as a Pulumi policy pack, for programs that use `pulumi_aws.batch` (extra: `batchiac[policy]`).

A pack is a folder with a PulumiPolicy.yaml (`runtime: python`) and a `__main__.py` of three lines:

    from pulumi_policy import PolicyPack
    from batchiac.policy_pack.policies import make_policies
    PolicyPack("batchiac", make_policies())

One policy a rule, under the rule's id in small letters (`ce013`), so that a stack's own policy config can turn each one
off or make it mandatory. This folder is such a pack itself.
"""
