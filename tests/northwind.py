"""Reads the Northwind tables: real orders of the nineties, as a shop would hand them over."""

import csv
import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from wagtail_orders.lifecycle import Address, Line

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("NORTHWIND", ROOT.parent / "shared" / "data" / "northwind"))
HOME = ZoneInfo("Europe/Brussels")
CENT = Decimal("0.01")
COUNTRIES = {
    "Argentina": "AR",
    "Austria": "AT",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Denmark": "DK",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Ireland": "IE",
    "Italy": "IT",
    "Mexico": "MX",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "UK": "GB",
    "USA": "US",
    "Venezuela": "VE",
}


@dataclass
class Row:
    """One order of the files, its texts as they stand there."""

    facts: dict
    lines: list = field(default_factory=list)

    @property
    def number(self):
        return self.facts["orderID"]

    @property
    def ordered_at(self):
        return moment(self.facts["orderDate"])

    @property
    def shipped_at(self):
        return moment(self.facts["shippedDate"])

    @property
    def country(self):
        return COUNTRIES[self.facts["shipCountry"]]


def is_there():
    return (FOLDER / "orders.csv").is_file()


def moment(text):
    """The moment of a date in the files, or None."""
    return datetime.fromisoformat(text).replace(tzinfo=HOME) if text else None


def table(name, *, commas_in=None):
    """
    A table's rows as dictionaries, NULL as an empty text. Its values are not quoted; ``commas_in`` names the
    column that takes what a row has too many.
    """
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    for values in rows:
        if extra := len(values) - len(header):
            start = header.index(commas_in)
            values[start : start + extra + 1] = [",".join(values[start : start + extra + 1])]
        yield {name: "" if value == "NULL" else value for name, value in zip(header, values, strict=True)}


def orders():
    """All orders with their lines, as ``Row``s."""
    rows = {facts["orderID"]: Row(facts) for facts in table("orders", commas_in="shipAddress")}
    for line in table("order-details"):
        rows[line["orderID"]].lines.append(line)
    return list(rows.values())


def shippers():
    """The shippers' names by their IDs."""
    return {row["shipperID"]: row["companyName"] for row in table("shippers")}


def customers():
    return {row["customerID"]: row for row in table("customers", commas_in="address")}


def products():
    return {row["productID"]: row["productName"] for row in table("products")}


def placement(row, *, customer, products, shipping_method):
    """What an importer gives to ``place_order``; the discount, a share in the files, as an amount."""
    return {
        "number": row.number,
        "placed_at": row.ordered_at,
        "currency": "USD",
        "email": f"{row.facts['customerID'].lower()}@northwind.example",
        "customer_name": customer["contactName"],
        "phone": customer["phone"],
        "billing_address": Address(
            name=customer["contactName"],
            company=customer["companyName"],
            street=customer["address"],
            postal_code=customer["postalCode"],
            city=customer["city"],
            region=customer["region"],
            country=COUNTRIES[customer["country"]],
        ),
        "shipping_address": Address(
            name=row.facts["shipName"],
            street=row.facts["shipAddress"],
            postal_code=row.facts["shipPostalCode"],
            city=row.facts["shipCity"],
            region=row.facts["shipRegion"],
            country=row.country,
        ),
        "shipping_method": shipping_method,
        "shipping_total": Decimal(row.facts["freight"]).quantize(CENT, rounding=ROUND_HALF_UP),
        "lines": [
            Line(
                sku=line["productID"],
                name=products[line["productID"]],
                quantity=Decimal(line["quantity"]),
                unit_price=Decimal(line["unitPrice"]),
                discount=Decimal(line["unitPrice"]) * int(line["quantity"]) * Decimal(line["discount"]),
            )
            for line in row.lines
        ],
    }


def by_country(amounts):
    """Adds pairs of a country and an amount up."""
    sums = defaultdict(int)
    for country, amount in amounts:
        sums[country] += amount
    return dict(sums)
