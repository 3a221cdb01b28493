"""``manage.py import_orders``: what it says, what it writes, and how it ends."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from tests.records import paid, record
from wagtail_orders.exports.selection import Selection
from wagtail_orders.exports.xml import XML
from wagtail_orders.imports.readers import readers
from wagtail_orders.lifecycle import import_orders
from wagtail_orders.models import Notification, Order, OrderEvent, ShippingMethod

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path, owner):
    """An export of two orders, A-1 and A-2, of which none is here."""
    ShippingMethod.objects.create(name="Post")
    import_orders([paid("A-1", site=None), record("A-2", site=None)])
    path = tmp_path / "orders.xml"
    path.write_bytes(b"".join(XML.write(Selection.of(Order.objects.order_by("pk")))))
    Order.objects.all().delete()
    return path


def run(*arguments, **options):
    """What the command says, and the code it ends with."""
    out = io.StringIO()
    try:
        call_command("import_orders", *arguments, stdout=out, **options)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


def spoil(file, old="<currency>EUR", new="<currency>eur"):
    """Make the second order wrong."""
    before, _order, after = file.read_text(encoding="utf-8").rpartition("<order ")
    file.write_text(f"{before}<order {after.replace(old, new)}", encoding="utf-8")


def test_the_orders_of_a_file_are_brought_over(file):
    said, code = run(str(file), "--user", "anna")

    assert (said, code) == ("2 orders were brought over: €84.00.\n", 0)
    assert Order.objects.count() == 2
    assert set(OrderEvent.objects.values_list("kind", "actor__username", "data__source")) == {
        ("imported", "anna", "xml")
    }
    assert not Notification.objects.exists()


def test_a_dry_run_says_what_would_be_and_writes_nothing(file, owner):
    owner.delete()
    ShippingMethod.objects.all().delete()

    said, code = run(str(file), "--dry-run")

    assert said.splitlines() == [
        "2 orders are new: €84.00.",
        "Users that are not known here; orders, payments and notes come without them: anna (1)",
        "Shipping methods that are not known here; only their name is kept: Post (1)",
        "Nothing was written.",
    ]
    assert code == 0
    assert not Order.objects.exists()


def test_what_is_there_already_stays_as_it_is(file):
    import_orders([record("A-2", customer_name="Before")])

    said, code = run(str(file))

    assert said == "1 order was brought over: €42.00.\n1 order existed already and stayed as it was.\n"
    assert code == 0
    assert Order.objects.get(number="A-2").customer_name == "Before"


def test_what_is_there_already_may_be_refused(file):
    import_orders([record("A-2")])

    said, code = run(str(file), "--existing", "refuse")

    assert "order A-2: Order A-2 exists already; leave it out" in said
    assert (code, Order.objects.count()) == (1, 1)


def test_if_one_is_wrong_nothing_is_written_and_it_says_where(file):
    spoil(file)

    said, code = run(str(file))

    line = next(
        number
        for number, text in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
        if "<currency>eur" in text
    )
    assert f"Line {line}, column 5, order A-2: What “currency” says is not written as it must be." in said
    assert said.endswith("\n1 order is new: €42.00.\n1 order is wrong.\nNothing was written.\n")
    assert (code, Order.objects.count()) == (1, 0)


def test_with_keep_going_what_is_right_is_brought_over_and_the_rest_is_listed(file):
    spoil(file)

    said, code = run(str(file), "--keep-going")

    assert "order A-2: What “currency” says" in said
    assert said.endswith("\n1 order was brought over: €42.00.\n1 order is wrong.\n")
    assert code == 1
    assert Order.objects.get().number == "A-1"


def test_a_second_time_brings_nothing(file):
    run(str(file))

    said, code = run(str(file))

    assert said == "0 orders were brought over.\n2 orders existed already and stayed as they were.\n"
    assert (code, Order.objects.count()) == (0, 2)


def test_a_file_that_does_not_show_what_wrote_it_needs_its_format(tmp_path, file):
    other = tmp_path / "orders.txt"
    other.write_text("Dear Sir or Madam")

    with pytest.raises(CommandError, match="say it with --format: xml"):
        call_command("import_orders", str(other))
    said, code = run(str(other), "--format", "xml")
    assert "not XML" in said
    assert code == 1


def test_it_reads_every_kind_of_file_there_is_a_reader_for():
    assert list(readers()) == ["xml", "woocommerce", "shopify"]


def test_a_file_that_is_not_there_and_a_user_that_is_not_are_told(tmp_path, file):
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("import_orders", str(tmp_path / "gone.xml"))
    with pytest.raises(CommandError, match="There is no user “zoe”"):
        call_command("import_orders", str(file), "--user", "zoe")


def test_it_is_silent_on_wish(file):
    assert run(str(file), verbosity=0) == ("", 0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stderr", "is_shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_bar_shows_the_way_on_a_terminal_only(monkeypatch, file, stderr, is_shown):
    monkeypatch.setattr(sys, "stderr", stderr)

    run(str(file))

    assert ("Bringing over: 100%" in stderr.getvalue()) is is_shown
    assert ("2/2" in stderr.getvalue()) is is_shown
