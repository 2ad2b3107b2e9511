"""What Pulumi's policy analyzer runs in this folder."""

from __future__ import annotations

from pulumi_policy import PolicyPack

from batchiac.policy_pack.policies import make_policies

if __name__ == "__main__":
    PolicyPack("batchiac", make_policies())
