"""Parcel numbers as people paste them, and the slips that can be seen in them."""

import re

from .links import is_web_link

# UPU standard S10: service indicator, eight digits and a check digit, country.
_S10 = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}", re.IGNORECASE)
_END = re.compile("[,;]")
# Both may stand in a link; another begins after it, or a number.
_END_OF_LINK = re.compile(r"[,;](?=\s*(?:https?://|[,;]|$|(?=[^,;]*\d)[\w .-]{6,}(?:[,;]|$)))", re.IGNORECASE)
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def read_numbers(text):
    """
    The single numbers and links in a pasted text, each once, in their order. A line break, comma, semicolon
    or tab ends a number; a space does so only between whole links and S10 numbers, for carriers print
    numbers in groups: those come back without their spaces.
    """
    found = []
    for line in "\t".join(text.splitlines()).split("\t"):
        is_link = line.lstrip().lower().startswith("http")
        for part in (_END_OF_LINK if is_link else _END).split(line):
            pieces = [piece for piece in map(_visible, part.split()) if piece]
            if all(is_web_link(piece) or _S10.fullmatch(piece) for piece in pieces):
                found += pieces
            else:
                found.append("".join(pieces))
    return list(dict.fromkeys(found))


def _visible(text):
    """``text`` without the invisible marks that are copied along from mails and tables."""
    return "".join(character for character in text if character.isprintable())


def is_doubtful(number):
    """
    Whether ``number`` has the shape of the UPU's standard S10 (two letters, nine digits, two letters) but
    not its check digit, so that somebody probably mistyped it.
    """
    number = "".join(number.split())
    if not _S10.fullmatch(number):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[2:10], strict=True))
    check = 11 - total % 11
    return int(number[10]) != {10: 0, 11: 5}.get(check, check)
