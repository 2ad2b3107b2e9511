"""The handler classes that the rows make; importable by name, as the others are."""

from __future__ import annotations

from batchiac.provider import rows
from batchiac.provider.simple import handler_of

Vpc = handler_of(rows.VPC)
Subnet = handler_of(rows.SUBNET)
InternetGateway = handler_of(rows.INTERNET_GATEWAY)
RouteTable = handler_of(rows.ROUTE_TABLE)
SecurityGroup = handler_of(rows.SECURITY_GROUP)
PlacementGroup = handler_of(rows.PLACEMENT_GROUP)
InstanceProfile = handler_of(rows.INSTANCE_PROFILE)
SchedulingPolicy = handler_of(rows.SCHEDULING_POLICY)
