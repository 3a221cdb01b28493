"""The demo's customers, from many countries and in many scripts, and what they and the owner write."""

import csv
from dataclasses import dataclass
from pathlib import Path

from wagtail_orders.lifecycle import Address


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    phone: str
    language: str
    country: str
    street: str
    postal_code: str
    city: str
    region: str
    company: str

    @property
    def address(self):
        names = ("name", "company", "street", "postal_code", "city", "region", "country", "phone")
        return Address(**{name: getattr(self, name) for name in names})


with (Path(__file__).parent / "people.csv").open(newline="", encoding="utf-8") as file:
    PEOPLE = [Person(**row) for row in csv.DictReader(file)]

REMARKS = [
    "Please ring twice, the bell is shy.",
    "C’est un cadeau : sans facture dans le colis, s’il vous plaît.",
    "Graag niet op maandag bezorgen.",
    "Bitte beim Nachbarn (Fam. Özdemir) abgeben.",
    "Digicode 27A4, 3e étage droite.",
    "If you still have one with the darker glaze, I would love that one.",
    "贈り物です。丁寧に包んでください。",
    "Leave it in the shed. The dog looks worse than he is.",
]

GIFT_MESSAGES = [
    "Happy birthday, Mum! Tea tastes better out of green.",
    "Joyeux Noël à vous deux.\nOn vous embrasse, Jeanne et Malik",
    "Voor het nieuwe huis. Niet laten vallen!",
    "Alles Gute zur Hochzeit ♥ Opa Werner",
    "結婚おめでとう",
]

NOTES = [
    ("Wrapped in two layers, the last one arrived chipped.", False),
    ("Rang to ask whether Thursday is fine. It is.", False),
    ("Votre tasse sort du four mardi.", True),
    ("Your bowl needs one more firing; we send it next week.", True),
    ("Regular customer: put a glaze sample in.", False),
    ("Asked for the invoice in the company's name.", False),
]

CANCEL_REASONS = ["Ordered twice by mistake", "The customer changed her mind", "No payment after three weeks"]
REFUND_REASONS = [
    "One cup arrived broken",
    "Returned, did not match the others",
    "Sent too late for the birthday",
]
