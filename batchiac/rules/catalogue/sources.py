"""Where AWS says it: the addresses that rows of this catalogue point to, and the kinds they are about.

AWS's own error texts (`aws_message`) are not in its pages. They were measured on a real account by the project
https://github.com/badmintoncryer/cdk-preflight (rules/batch, read 2026-11-21), or seen in public issue threads.
"""

from __future__ import annotations

API = "https://docs.aws.amazon.com/batch/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
EC2_GUIDE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
IAM_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"

CREATE_CE = API + "API_CreateComputeEnvironment.html"
UPDATE_CE = API + "API_UpdateComputeEnvironment.html"
COMPUTE_RESOURCE = API + "API_ComputeResource.html"
COMPUTE_RESOURCE_UPDATE = API + "API_ComputeResourceUpdate.html"

CE = "ComputeEnvironment"
JQ = "JobQueue"
SP = "SchedulingPolicy"
SE = "ServiceEnvironment"
QS = "QuotaShare"
CR = "ConsumableResource"
LT = "LaunchTemplate"
JD = "JobDefinition"
PG = "PlacementGroup"
ROLE = "Role"

NAME = r"[A-Za-z0-9_-]{1,128}"
NAME_ALLOWED = "1 to 128 letters, digits, hyphens and underscores are allowed"
NAME_CHANGE = "shorten it or replace the other characters"
