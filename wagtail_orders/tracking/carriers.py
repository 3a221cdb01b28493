"""The carriers that are known, with the address where each shows a parcel: ``carriers.csv``."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Carrier:
    """
    A carrier. ``countries`` are ISO 3166 codes, ``("*",)`` for all; ``needs`` names the placeholders besides
    the number that its link does not work without; ``also`` holds further forms of its links, to read only.
    A landing page takes no number: people type it in there.
    """

    code: str
    name: str
    countries: tuple
    template: str
    needs: frozenset
    is_landing: bool
    also: tuple


@cache
def carriers():
    """The known carriers by their code."""
    source = files(__package__).joinpath("carriers.csv").read_text(encoding="utf-8")
    return {row["code"]: _carrier(row) for row in csv.DictReader(source.splitlines())}


def _carrier(row):
    needs = frozenset(row["needs"].split())
    return Carrier(
        code=row["code"],
        name=row["name"],
        countries=tuple(row["countries"].split()),
        template=row["template"],
        needs=needs - {"landing"},
        is_landing="landing" in needs,
        also=tuple(row["also"].split()),
    )
