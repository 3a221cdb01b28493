"""Postal addresses: written as the country's post wants them, and nothing that was typed is left out."""

import pytest

from wagtail_orders.models import OrderAddress


def lines_of(language="en", **facts):
    defaults = {"name": "Zoë Müller", "street": "12 rue de l'Église", "city": "Ixelles", "country": "BE"}
    return OrderAddress(**{**defaults, **facts}).postal_lines(language)


def test_an_address_reads_as_its_country_writes_it():
    assert lines_of(postal_code="1050") == ["Zoë Müller", "12 rue de l'Église", "1050 IXELLES", "Belgium"]
    assert lines_of(country="GB", city="Bath", postal_code="BA1 1AA", language="fr")[-3:] == [
        "BATH",
        "BA1 1AA",
        "Royaume-Uni",
    ]


@pytest.mark.parametrize("country", ["AE", "HK", "SG", "JP", "GB", "BE", "QA", "US", "FR", "MO"])
def test_nothing_that_was_typed_is_left_out(country):
    written = "\n".join(lines_of(country=country, city="Dubai", region="Kent", postal_code="12345"))
    for part in ("DUBAI", "KENT", "12345"):
        assert part in written.upper()


def test_what_is_missing_leaves_no_marks_behind():
    assert lines_of(country="JP", city="", postal_code="")[-1] == "Japan"
    assert not any(line.strip("〒,- ") == "" for line in lines_of(country="JP", city="", postal_code=""))
    assert not any(line.endswith((",", "-")) for line in lines_of(country="US", city="Dallas"))


def test_a_language_that_nobody_knows_gets_english():
    assert lines_of(language="xx")[-1] == "Belgium"
