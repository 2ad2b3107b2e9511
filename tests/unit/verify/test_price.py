"""Prices are dated facts: a type that is not there has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchiac.errors import ConfigError
from batchiac.model.price import PriceTable, read_prices, shipped_prices


def test_the_shipped_table_says_where_and_when() -> None:
    """Facts that AWS published, with source and day."""
    prices = shipped_prices()
    assert "AWS Price List" in prices.source
    assert prices.date == "2026-07-20"
    # Source: AWS's announcements and price pages, unchanged since each type's launch.
    for instance_type, usd in {
        "m5.large": 0.096,
        "c5.xlarge": 0.17,
        "r5.2xlarge": 0.504,
        "c5n.18xlarge": 3.888,
    }.items():
        assert prices.find_usd_per_hour("us-east-1", instance_type, spot=False) == usd


def test_an_unknown_type_or_region_has_no_price() -> None:
    """None, never 0 and never another region's price."""
    assert shipped_prices().find_usd_per_hour("us-east-1", "m99.huge", spot=False) is None
    assert shipped_prices().find_usd_per_hour("eu-central-1", "m5.large", spot=False) is None
    assert shipped_prices().find_usd_per_hour("eu-central-1", "m5.large", spot=True) is None


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """Source and date from the comments, Spot prices where there are some."""
    path = tmp_path / "prices.csv"
    path.write_text(
        "# source: our contract\n# date: 2026-10-01\nregion,instance_type,usd_per_hour,spot_usd_per_hour\n"
        "eu-central-1,m5.large,0.1,0.03\neu-central-1,c5.large,0.08,\n"
    )
    prices = read_prices(path)
    assert (prices.source, prices.date) == ("our contract", "2026-10-01")
    assert prices.find_usd_per_hour("eu-central-1", "m5.large", spot=True) == 0.03
    assert prices.find_usd_per_hour("eu-central-1", "c5.large", spot=True) == 0.08 * 0.4
    assert not prices.spot_is_assumed("eu-central-1", "m5.large")
    assert prices.spot_is_assumed("eu-central-1", "c5.large")


def test_aws_own_price_list(tmp_path: Path) -> None:
    """Of AmazonEC2's bulk list the plain Linux rows count: no reservations, no Windows, no dedicated hosts."""
    columns = "SKU,TermType,Unit,PricePerUnit,Instance Type,Tenancy,Operating System,CapacityStatus,"
    columns += "Pre Installed S/W,Region Code"
    rows = [
        "A,OnDemand,Hrs,0.096,m5.large,Shared,Linux,Used,NA,us-east-1",
        "B,Reserved,Hrs,0.01,m5.large,Shared,Linux,Used,NA,us-east-1",
        "C,OnDemand,Hrs,0.2,m5.large,Shared,Windows,Used,NA,us-east-1",
        "D,OnDemand,Hrs,0.0,m5.large,Shared,Linux,AllocatedCapacityReservation,NA,us-east-1",
        "E,OnDemand,GB-Mo,0.1,,NA,NA,NA,NA,us-east-1",
    ]
    path = tmp_path / "index.csv"
    path.write_text(
        '"FormatVersion","v1.0"\n"Disclaimer","for information"\n"Publication Date","2026-09-09T00:00:00Z"\n'
        '"Version","1"\n"OfferCode","AmazonEC2"\n' + "\n".join([columns, *rows])
    )
    prices = read_prices(path)
    assert prices.date == "2026-09-09"
    assert prices.find_usd_per_hour("us-east-1", "m5.large", spot=False) == 0.096
    assert len(prices.rows) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "begins with the columns a, b: prices need region, instance_type, usd_per_hour"),
        ("", "begins with the columns none"),
        ("region,instance_type,usd_per_hour\nx,m5.large,free\n", "has the price 'free' for m5.large"),
        ("region,instance_type,usd_per_hour\nx,m5.large,-1\n", "has the price '-1' for m5.large"),
        ("region,instance_type,usd_per_hour\nx,m5.large,nan\n", "has the price 'nan' for m5.large"),
        ("region,instance_type,usd_per_hour\nx,m5.large\n", "has the price None for m5.large"),
        ('"FormatVersion","v1.0"\n"Version","1"\n', "no line of columns that starts with SKU"),
        ('"FormatVersion","v1.0"\nSKU,TermType\nA,Reserved\n', "has no On-Demand price of a Linux instance"),
    ],
)
def test_a_file_that_holds_no_prices_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """Other columns, no number, an empty list: the user's input, told with what is needed."""
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read_prices(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    """No such file, or no text at all."""
    with pytest.raises(ConfigError, match=r"prices cannot be read from .*: No such file"):
        read_prices(tmp_path / "none.csv")
    (tmp_path / "bytes").write_bytes(b"\xff\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_prices(tmp_path / "bytes")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_spot_share_is_a_share(share: float) -> None:
    """Spot costs between nothing and On-Demand."""
    with pytest.raises(ConfigError, match="a share from 0 to 1"):
        PriceTable({}, "s", "", share)
