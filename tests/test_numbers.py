"""Order numbers: their year, prefix and format, without gaps, and never the same one twice."""

from datetime import UTC, datetime

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone
from wagtail.models import Page, Site

from wagtail_orders.checks import check_sqlite
from wagtail_orders.lifecycle import delete
from wagtail_orders.models import NumberSequence, Order, OrderSettings

from .orders import placed

pytestmark = pytest.mark.django_db

SUMMER = datetime(2025, 7, 1, 12, tzinfo=UTC)
NEW_YEARS_EVE = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)


@pytest.fixture
def other_site():
    return Site.objects.create(hostname="other.example.com", root_page=Page.objects.get(depth=1))


def set_up(site, **values):
    """What the owner saves in Settings → Orders."""
    OrderSettings.objects.update_or_create(site=site, defaults=values)


def numbers(count=1, **changes):
    changes = {"placed_at": SUMMER, **changes}
    return [placed(**changes).number for _ in range(count)]


def test_orders_are_counted_through_each_year():
    january = datetime(2026, 1, 5, tzinfo=UTC)

    assert numbers(2) == ["2025-00001", "2025-00002"]
    assert numbers(1, placed_at=january) == ["2026-00001"]
    assert numbers(1) == ["2025-00003"]


def test_an_order_of_new_years_eve_is_numbered_in_the_year_of_its_place(settings):
    assert settings.TIME_ZONE == "Europe/Brussels"

    assert numbers(placed_at=NEW_YEARS_EVE) == ["2026-00001"]


@pytest.mark.parametrize(
    ("zone", "moment", "year"),
    [
        ("Europe/London", NEW_YEARS_EVE, 2025),
        ("Asia/Tokyo", datetime(2025, 12, 31, 15, 30, tzinfo=UTC), 2026),
        ("America/New_York", datetime(2026, 1, 1, 3, tzinfo=UTC), 2025),
        ("", NEW_YEARS_EVE, 2026),
    ],
)
def test_the_sites_own_time_zone_decides_the_year(site, zone, moment, year):
    set_up(site, time_zone=zone)

    assert numbers(placed_at=moment) == [f"{year}-00001"]


def test_each_prefix_is_counted_apart(site):
    assert numbers(2) == ["2025-00001", "2025-00002"]
    set_up(site, number_prefix="B-")
    assert numbers(2) == ["B-2025-00001", "B-2025-00002"]
    set_up(site, number_prefix="")
    assert numbers() == ["2025-00003"]


def test_each_site_has_its_own_prefix_and_zone(site, other_site):
    set_up(site, number_prefix="A-")
    set_up(other_site, number_prefix="B-", time_zone="Europe/London")

    assert numbers(placed_at=NEW_YEARS_EVE) == ["A-2026-00001"]
    assert numbers(placed_at=NEW_YEARS_EVE, site=site) == ["A-2026-00002"]
    assert numbers(placed_at=NEW_YEARS_EVE, site=other_site) == ["B-2025-00001"]


def test_sites_without_a_prefix_share_one_count(site, other_site):
    assert numbers(site=site) + numbers(site=other_site) == ["2025-00001", "2025-00002"]


def test_a_site_in_the_format_is_counted_by_itself(settings, site, other_site):
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMAT": "{site}/{sequence}"}

    assert numbers(2, site=site) == [f"{site.pk}/1", f"{site.pk}/2"]
    assert numbers(site=other_site) == [f"{other_site.pk}/1"]


def test_a_shop_without_any_site_has_numbers_too():
    Site.objects.all().delete()

    assert numbers(2) == ["2025-00001", "2025-00002"]


def test_an_order_that_is_refused_takes_no_number():
    numbers()

    with pytest.raises(ValidationError):
        placed(placed_at=SUMMER, email="zoe@")

    assert numbers() == ["2025-00002"]


def test_an_order_that_fails_while_it_is_written_gives_its_number_back():
    def fail(**kwargs):
        raise RuntimeError("The power is out.")

    numbers()
    post_save.connect(fail, sender=Order)
    try:
        with pytest.raises(RuntimeError):
            numbers()
    finally:
        post_save.disconnect(fail, sender=Order)

    assert Order.objects.count() == 1
    assert numbers() == ["2025-00002"]


def test_a_shops_own_transaction_rolled_back_gives_the_number_back():
    with transaction.atomic():
        assert numbers() == ["2025-00001"]
        transaction.set_rollback(True)

    assert numbers() == ["2025-00001"]


def test_a_deleted_orders_number_is_not_given_again():
    delete(placed(placed_at=SUMMER)).raise_if_refused()

    assert numbers() == ["2025-00002"]


def test_numbers_brought_over_from_elsewhere_are_passed_over():
    for number in ("2026-00002", "2026-00003"):
        placed(number=number)
    moment = datetime(2026, 3, 1, tzinfo=UTC)

    assert numbers(3, placed_at=moment) == ["2026-00001", "2026-00004", "2026-00005"]


def test_a_long_row_of_numbers_brought_over_is_passed_over_at_once(django_assert_max_num_queries):
    first = placed(number="2025-00001")
    Order.objects.bulk_create(
        Order(number=f"2025-{count:05d}", language="en", currency="EUR", customer_name="Zoë")
        for count in range(2, 451)
    )

    with django_assert_max_num_queries(40):
        assert numbers() == ["2025-00451"]
    assert first.number == "2025-00001"


def test_a_number_brought_over_moves_no_counter():
    placed(number="2025-00099", placed_at=SUMMER)

    assert not NumberSequence.objects.exists()
    assert numbers() == ["2025-00001"]


def test_numbers_that_differ_in_case_or_accent_are_different_numbers():
    given = ["e-1", "E-1", "é-1", "e-1-"]

    assert [placed(number=number).number for number in given] == given


@pytest.mark.parametrize(
    ("number_format", "expected"),
    [
        ("{sequence}", ["1", "2", "3"]),
        ("W{sequence:04d}", ["W0001", "W0002", "W0003"]),
        ("{year}{month:02d}-{sequence}", ["202507-1", "202507-2", "202601-1"]),
        ("{year}{month:02d}{day:02d}/{sequence:x}", ["20250701/1", "20250701/2", "20260101/1"]),
        ("{sequence:03d}.{year}", ["001.2025", "002.2025", "001.2026"]),
    ],
)
def test_a_project_may_have_its_own_format(settings, number_format, expected):
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMAT": number_format}

    assert numbers(2) + numbers(placed_at=NEW_YEARS_EVE) == expected


def test_a_prefix_stands_before_the_projects_own_format(settings, site):
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMAT": "{sequence}"}
    set_up(site, number_prefix="B-")

    assert numbers(2) == ["B-1", "B-2"]


def complaints():
    return [message for message in run_checks() if message.id.startswith("wagtail_orders.")]


def test_good_settings_pass_the_checks(settings):
    assert complaints() == []
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMAT": "{site}-{year}-{month}-{day}-{sequence:06d}"}
    assert complaints() == []


def test_a_setting_nobody_knows_is_told_with_those_there_are(settings):
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMT": "{sequence}", "CHUNKS": 5}

    first, second = complaints()

    assert first.id == second.id == "wagtail_orders.E002"
    assert "'CHUNKS'" in first.msg
    assert "'NUMBER_FORMT'" in second.msg
    assert "NUMBER_FORMAT" in first.hint


@pytest.mark.parametrize(
    ("number_format", "problem"),
    [
        ("{year}", "has no {sequence}"),
        ("", "has no {sequence}"),
        ("{yaer}-{sequence}", "yaer"),
        ("{}-{sequence}", "cannot be used"),
        ("{sequence:q}", "cannot be used"),
        ("{sequence.count}", "cannot be used"),
        ("{sequence", "cannot be used"),
        (None, "cannot be used"),
        (42, "cannot be used"),
        ("{sequence:031d}", "more than 30 characters"),
    ],
)
def test_a_format_that_makes_no_usable_numbers_is_told_at_the_start(settings, number_format, problem):
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMAT": number_format}

    [complaint] = complaints()

    assert complaint.id == "wagtail_orders.E003"
    assert problem in complaint.msg
    assert "{year}-{sequence:05d}" in complaint.hint


def test_a_visitors_time_zone_does_not_move_an_order_into_another_year():
    noon = datetime(2025, 12, 31, 12, tzinfo=UTC)
    with timezone.override("Pacific/Kiritimati"):
        assert placed(placed_at=noon).number == "2025-00001"


def test_a_format_may_turn_the_count_into_text(settings):
    settings.WAGTAIL_ORDERS = {"NUMBER_FORMAT": "{year}-{sequence!s:0>5}"}
    assert run_checks(tags=["wagtail_orders"]) == []
    assert numbers(3) == ["2025-00001", "2025-00002", "2025-00003"]
    assert NumberSequence.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        (None, ["wagtail_orders.W001"]),
        ({"transaction_mode": None}, ["wagtail_orders.W001"]),
        ({"transaction_mode": "immediate"}, []),
    ],
)
def test_sqlite_without_the_write_lock_is_warned_about(settings, monkeypatch, options, warnings):
    database = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert [warning.id for warning in check_sqlite(None, databases=["default"])] == warnings
