"""What became of orders that were to be brought over."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from .records import Problem

#: So many problems, and so many numbers and names of a kind, are told; the rest is counted.
MOST_TOLD = 1_000


@dataclass
class Imported:
    """
    What became of the orders of a file, or would become of them: ``new`` were brought over, ``existing`` were there
    already and stayed as they are, ``wrong`` were left out, each for one of ``problems`` (the first thousand).
    ``is_written`` is False after a dry run, and where something was wrong and it was all or nothing.
    """

    new: int = 0
    existing: int = 0
    wrong: int = 0
    is_written: bool = False
    problems: list[Problem] = field(default_factory=list)
    existing_numbers: list[str] = field(default_factory=list)
    #: What the new ones come to, by currency.
    totals: Counter = field(default_factory=Counter)
    #: Names that nothing here has, and how many orders name each: their orders come without.
    unknown_users: Counter = field(default_factory=Counter)
    unknown_shipping_methods: Counter = field(default_factory=Counter)
    #: Likewise, but their orders come to the default site.
    unknown_sites: Counter = field(default_factory=Counter)

    @property
    def orders(self):
        """How many orders were looked at, or as many as their problems let be counted."""
        return self.new + self.existing + self.wrong

    def refuse(self, *problems):
        self.wrong += len(problems)
        self.problems += problems[: max(MOST_TOLD - len(self.problems), 0)]

    def add(self, other):
        """Take in what became of other orders."""
        self.new += other.new
        self.existing += other.existing
        self.wrong += other.wrong
        for name in ("problems", "existing_numbers"):
            told = getattr(self, name)
            told += getattr(other, name)[: max(MOST_TOLD - len(told), 0)]
        for name in ("totals", "unknown_users", "unknown_shipping_methods", "unknown_sites"):
            counted = getattr(self, name)
            for key, count in getattr(other, name).items():
                if key in counted or len(counted) < MOST_TOLD:
                    counted[key] += count

    def as_dict(self):
        """The same in what JSON has; ``Imported.of`` takes it back."""
        facts = dict(vars(self))
        facts["problems"] = [vars(problem) for problem in self.problems]
        facts["totals"] = {currency: str(total) for currency, total in self.totals.items()}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in facts.items()}

    @classmethod
    def of(cls, facts):
        """From ``as_dict``."""
        known = cls(**facts)
        known.problems = [Problem(**problem) for problem in known.problems]
        known.totals = Counter({currency: Decimal(total) for currency, total in known.totals.items()})
        for name in ("unknown_users", "unknown_shipping_methods", "unknown_sites"):
            setattr(known, name, Counter(getattr(known, name)))
        return known
