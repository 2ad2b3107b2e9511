"""What an instance costs an hour: dated facts, never a guess (DESIGN, decision 6).

A type that the table does not hold has no price: callers get None and say so, they never count it as 0.

Two files are read. Ours is a CSV of `region,instance_type,usd_per_hour[,spot_usd_per_hour]` under comment lines
`# source: …` and `# date: YYYY-MM-DD`. AWS's own is the bulk price list of AmazonEC2 in CSV, whose first five lines are
metadata and whose terms stand on one row each.
Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path

from attrs import field, frozen

from batchiac.errors import ConfigError

SPOT_SHARE = 0.4
"""Spot price as a share of On-Demand where a table has no Spot price.

Assumption: AWS promises "up to 90%" off and publishes no average; prices move by zone and hour. Decision 6: a setting.
"""

MINIMUM_BILLED_S = 60
"""AWS bills Linux instances by the second, "with a 60-second minimum" (https://aws.amazon.com/ec2/pricing/)."""

_OWN_COLUMNS = ("region", "instance_type", "usd_per_hour")
# The one row an instance type has for a plain Linux machine that one simply starts, in AWS's own price list.
_AWS_PLAIN_LINUX = {
    "TermType": "OnDemand",
    "Operating System": "Linux",
    "Tenancy": "Shared",
    "CapacityStatus": "Used",
    "Pre Installed S/W": "NA",
    "Unit": "Hrs",
}


@frozen
class Price:
    """US dollars an hour for one instance type; `spot_usd` is None where no Spot price is known."""

    on_demand_usd: float
    spot_usd: float | None = None


@frozen
class PriceTable:
    """Prices by region and instance type.

    Attributes:
        rows: `{(region, instance type): Price}`.
        source: where the facts come from, in words.
        date: the day they held, `YYYY-MM-DD`; empty when the file does not say.
        spot_share: Spot price ÷ On-Demand price where `rows` has no Spot price, from 0 to 1.
    """

    rows: Mapping[tuple[str, str], Price]
    source: str
    date: str
    spot_share: float = field(default=SPOT_SHARE)

    @spot_share.validator
    def _within(self, _attribute: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise ConfigError(f"the Spot price is {value} of On-Demand: a share from 0 to 1 is allowed")

    def find_usd_per_hour(self, region: str, instance_type: str, *, spot: bool) -> float | None:
        """Dollars an hour, or None when the table does not know the type in the region."""
        price = self.rows.get((region, instance_type))
        if price is None:
            return None
        if not spot:
            return price.on_demand_usd
        return price.spot_usd if price.spot_usd is not None else price.on_demand_usd * self.spot_share

    def spot_is_assumed(self, region: str, instance_type: str) -> bool:
        """True when a Spot price for the type would be `spot_share` of On-Demand, not a fact."""
        price = self.rows.get((region, instance_type))
        return price is not None and price.spot_usd is None


@functools.cache
def shipped_prices() -> PriceTable:
    """The table that comes with batchiac: us-east-1, On-Demand, Linux."""
    text = (resources.files("batchiac.model") / "data" / "prices.csv").read_text(encoding="utf-8")
    return parse_prices(text.splitlines(), "the shipped prices.csv")


def read_prices(path: Path) -> PriceTable:
    """The table of a user's file, in our form or AWS's own price list.

    Raises:
        ConfigError: the file cannot be read, is neither form, or holds a price that is not a number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse_prices(lines, str(path))
    except OSError as error:
        raise ConfigError(f"prices cannot be read from {path}: {error.strerror}; name a CSV file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: a CSV with the columns {', '.join(_OWN_COLUMNS)}") from error


def parse_prices(lines: Iterable[str], name: str) -> PriceTable:
    """The table in `lines` (see the module's text for the two forms); `name` is the file's, for messages."""
    stream = iter(lines)
    first = next(stream, "")
    if first.startswith('"FormatVersion"'):
        return _parse_aws_price_list(stream, name)
    return _parse_own(first, stream, name)


def _parse_own(first: str, stream: Iterator[str], name: str) -> PriceTable:
    facts = {"source": name, "date": ""}
    line = first
    while line.startswith("#"):
        key, _, value = line[1:].partition(":")
        facts[key.strip()] = value.strip()
        line = next(stream, "")
    header = tuple(next(csv.reader([line]), []))
    if header[:3] != _OWN_COLUMNS:
        raise ConfigError(
            f"{name} begins with the columns {', '.join(header) or 'none'}: prices need"
            f" {', '.join(_OWN_COLUMNS)} and may have spot_usd_per_hour, or be AWS's own price list in CSV"
        )
    rows: dict[tuple[str, str], Price] = {}
    for row in csv.DictReader(stream, fieldnames=header):
        region, instance_type = row["region"], row["instance_type"]
        spot = row.get("spot_usd_per_hour")
        rows[region, instance_type] = Price(
            _dollars(row["usd_per_hour"], name, instance_type), _dollars(spot, name, instance_type) if spot else None
        )
    return PriceTable(rows, facts["source"], facts["date"])


def _parse_aws_price_list(stream: Iterator[str], name: str) -> PriceTable:
    date = ""
    for line in stream:
        cells = next(csv.reader([line]), [])
        if cells[:1] == ["Publication Date"]:
            date = cells[1][:10]
        if cells[:1] == ["SKU"]:
            header = cells
            break
    else:
        raise ConfigError(f"{name} begins like AWS's price list but has no line of columns that starts with SKU")
    rows: dict[tuple[str, str], Price] = {}
    for row in csv.DictReader(stream, fieldnames=header):
        plain = all(row.get(column) == value for column, value in _AWS_PLAIN_LINUX.items())
        instance_type, region = row.get("Instance Type"), row.get("Region Code")
        if plain and instance_type and region:
            rows[region, instance_type] = Price(_dollars(row.get("PricePerUnit"), name, instance_type))
    if not rows:
        raise ConfigError(
            f"{name} has no On-Demand price of a Linux instance on shared tenancy: is it AmazonEC2's list?"
        )
    return PriceTable(rows, f"AWS price list, {name}", date)


def _dollars(text: str | None, name: str, instance_type: str) -> float:
    try:
        dollars = float(text or "")
    except ValueError:
        dollars = -1.0
    # Not >= 0 rather than < 0: "nan" is refused too.
    if not dollars >= 0:
        raise ConfigError(f"{name} has the price {text!r} for {instance_type}: dollars an hour, 0 or more")
    return dollars
