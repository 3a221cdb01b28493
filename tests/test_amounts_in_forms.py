"""An amount in a form is read as its reader's language writes it, whatever the project's settings say."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from wagtail_orders.admin.fields import AmountField

NARROW, HARD = "\u202f", "\xa0"
READ = [
    ("en", "42", "42"),
    ("en", "42.50", "42.50"),
    ("en", ".5", "0.5"),
    ("en", "1,500", "1500"),
    ("en", "1,234.50", "1234.50"),
    ("de", "1.500", "1500"),
    ("de", "1.234,50", "1234.50"),
    ("nl", "1.234,50", "1234.50"),
    ("de", "12,5", "12.5"),
    ("fr", "12,50", "12.50"),
    ("fr", "12.50", "12.50"),
    ("fr", "1 234,50", "1234.50"),
    ("fr", f"1{NARROW}234,50", "1234.50"),
    ("fr", f"1{HARD}234,50", "1234.50"),
    ("zh-hans", "42.50", "42.50"),
]
REFUSED = [
    ("en", "42,00"),
    ("en", "12,5"),
    ("en", "1,23,456"),
    ("de", "12.50"),
    ("de", "1.5"),
    ("fr", "12 50"),
    ("fr", "42 00"),
    ("en", "1e3"),
    ("en", "1_000"),
    ("en", "NaN"),
    ("en", "Infinity"),
    ("en", "1.2.3"),
    ("en", "-"),
    ("en", "٤٢"),
    ("en", "much"),
]


@pytest.fixture(params=[True, False], ids=["grouping", "no grouping"], autouse=True)
def grouping(request, settings):
    settings.USE_THOUSAND_SEPARATOR = request.param


@pytest.mark.parametrize(("language", "written", "amount"), READ)
def test_an_amount_is_read_as_it_is_meant(language, written, amount):
    with translation.override(language):
        assert AmountField().clean(written) == Decimal(amount)


@pytest.mark.parametrize(("language", "written"), REFUSED)
def test_what_could_mean_two_things_is_refused(language, written):
    with translation.override(language), pytest.raises(ValidationError):
        AmountField().clean(written)


@pytest.mark.parametrize("language", ["en", "fr", "nl", "de", "ar", "zh-hans", "pl", "sv", "pt-br"])
def test_what_a_form_shows_can_be_sent_unchanged(language):
    amount = Decimal("1234.50")
    with translation.override(language):
        field = AmountField()
        shown = field.widget.format_value(field.prepare_value(amount))
        assert field.clean(shown) == amount
