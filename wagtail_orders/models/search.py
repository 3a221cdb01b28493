"""What an order is found by: the text that the verbs keep with it, and how words are compared with it."""

import unicodedata

# Letters that people without them on their keyboard write otherwise, and that Unicode does not take apart.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})


def fold(text):
    """
    ``text`` without accents and capitals, so that "zoe" finds "Zoë" and "soren" "Søren" on every database alike;
    and without what no database takes (NUL, lone surrogates).
    """
    letters = unicodedata.normalize("NFKD", str(text).replace("\0", " ").encode("utf-8", "ignore").decode())
    plain = "".join(x for x in letters if not unicodedata.combining(x)).casefold().translate(_PLAIN)
    return " ".join(plain.split())


def search_text(order, *, addresses, skus, parcels=()):
    """
    All that ``order`` is found by, folded: its number, the customer's and the recipients' names, e-mail,
    phones, remarks, the lines' SKUs and the parcels' numbers; each once, on a line of its own.
    """
    addresses = list(addresses)
    found_by = [order.number, order.customer_name, order.email, order.phone]
    for address in addresses:
        found_by += [address.name, address.company, address.phone]
    # Phones also without their spaces and strokes, as people paste them.
    found_by += [
        "".join(x for x in phone if x.isdigit() or x == "+")
        for phone in (order.phone, *(address.phone for address in addresses))
    ]
    found_by += [*skus, *parcels, order.customer_note]
    return "\n".join(dict.fromkeys(filter(None, map(fold, found_by))))


def with_parcel(text, tracking_number):
    """An order's search text, and one more parcel's number in it."""
    number = fold(tracking_number)
    return text if not number or number in text.split("\n") else f"{text}\n{number}"
