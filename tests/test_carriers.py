"""The built-in carriers: facts that hold together, and links that lead to them whatever the number is."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wagtail_orders.tracking import (
    PLACEHOLDERS,
    build_link,
    carriers,
    check_template,
    is_web_link,
    missing,
    recognise,
)

ALL = list(carriers().values())
DEEP = [carrier for carrier in ALL if not carrier.is_landing]
by_code = {"argvalues": ALL, "ids": lambda carrier: carrier.code}
deep_by_code = {"argvalues": DEEP, "ids": lambda carrier: carrier.code}

hostile = st.one_of(
    st.text(min_size=1, max_size=60),
    st.text(alphabet='./\\%#?&=@:{}<>"\r\n\t 2eE5cCfFjavscript', min_size=1, max_size=60),
    st.sampled_from(
        ['"&x=<>#%0a', "x" * 500, "../..", "//evil.example", "javascript:alert(1)", ".", "..", "%2e%2e"]
    ),
)
number = st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=40)


def slots(template):
    return re.findall(r"\{(\w*)\}", template)


def host(url):
    return urlsplit(url).netloc


def test_there_are_thirty_eight_by_their_codes():
    assert len(ALL) == 38
    assert all(carrier.code == code for code, carrier in carriers().items())
    assert len({carrier.name for carrier in ALL}) == 38


def test_what_is_known_of_a_carrier():
    postnl = carriers()["postnl"]
    assert (postnl.name, postnl.countries) == ("PostNL", ("NL", "BE"))
    assert postnl.template == "https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postcode}"
    assert (postnl.needs, postnl.is_landing) == ({"country", "postcode"}, False)
    assert postnl.also == ("https://postnl.nl/tracktrace/?B={number}&P={postcode}&D={country}&T=C",)


def test_only_relais_colis_has_no_more_than_a_page_to_type_the_number_in():
    assert [carrier.code for carrier in ALL if carrier.is_landing] == ["relaiscolis"]


@pytest.mark.parametrize("carrier", **by_code)
def test_every_carriers_template_is_fit(carrier):
    check_template(carrier.template, is_landing=carrier.is_landing)
    assert carrier.template.startswith("https://")
    assert carrier.needs <= set(slots(carrier.template)) - {"number", "language"}
    assert carrier.code == carrier.code.lower()
    assert all(re.fullmatch(r"[A-Z]{2}|\*", country) for country in carrier.countries)
    assert carrier.countries
    for form in carrier.also:
        check_template(form)


@pytest.mark.parametrize("carrier", **deep_by_code)
@settings(max_examples=25)
@given(value=hostile, other=st.text(max_size=20))
@example(value='"&x=<>#%0a', other="")
@example(value="x" * 500, other="")
@example(value="../..", other="..")
@example(value="//evil.example/", other="@evil.example")
@example(value="javascript:alert(1)", other=":80")
@example(value="https://evil.example/", other="\\")
@example(value="\ud800", other="\ud800")
def test_no_number_leads_away_from_the_carrier(carrier, value, other):
    link = build_link(carrier.template, number=value, postcode=other, country=other, language=other)

    if not link:
        assert not value.split() or {".", ".."} & {"".join(value.split()), "".join(other.split())}
        return
    assert is_web_link(link)
    assert link.startswith("https://")
    assert host(link) == host(carrier.template)
    assert link.isascii()
    # The same places as in the template, none added and none taken away.
    for mark in "/?#&=":
        assert link.count(mark) == carrier.template.count(mark)
    assert not {".", ".."} & {unquote(step) for step in urlsplit(link).path.split("/")}


@pytest.mark.parametrize("carrier", **deep_by_code)
@settings(max_examples=25)
@given(value=number, postcode=st.from_regex(r"[0-9]{4,5}( ?[A-Z]{2})?", fullmatch=True))
def test_a_carriers_link_gives_its_number_back(carrier, value, postcode):
    link = build_link(carrier.template, number=value, postcode=postcode, country="BE", language="fr")

    found = recognise(link)

    assert (found.number, found.key) == (value, None)
    assert found.carrier == carrier.code
    assert recognise(link.replace("https://www.", "http://").replace("&", "&utm=1&")) == found


@pytest.mark.parametrize("carrier", **deep_by_code)
@settings(max_examples=25)
@given(value=st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and " " not in text))
def test_even_a_strange_number_comes_back_as_it_went(carrier, value):
    link = build_link(carrier.template, number=value, postcode="1050", country="BE", language="fr")

    assert not link or recognise(link).number == value


@pytest.mark.parametrize(("code", "form"), [(carrier.code, form) for carrier in ALL for form in carrier.also])
def test_the_other_forms_of_a_carriers_links_are_known_too(code, form):
    link = build_link(form, number="3SABC123", postcode="1012AB", country="NL")

    assert (recognise(link).number, recognise(link).carrier) == ("3SABC123", code)


def test_the_link_of_a_landing_page_is_that_page():
    page = carriers()["relaiscolis"].template

    assert build_link(page, number="123") == "https://www.relaiscolis.com/suivi-de-colis/"
    assert build_link(page, number="") == ""
    assert recognise(page) is None


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("bpost", []),
        ("postnl", ["postcode", "country"]),
        ("dhl_ecommerce_nl", ["postcode"]),
        ("mondialrelay", ["postcode"]),
        ("gls", []),
        ("evri", []),
        ("relaiscolis", []),
    ],
)
def test_what_a_carriers_link_needs_is_known(code, needed):
    template = carriers()[code].template

    assert missing(template, carrier=code) == needed
    assert missing(template, carrier=code, postcode=" ", country="") == needed
    assert missing(template, carrier=code, postcode="1050", country="BE") == []


def test_a_template_of_the_owners_needs_all_that_it_names():
    gls = carriers()["gls"].template

    assert missing(gls) == missing(gls + "&x=1", carrier="gls") == ["postcode"]
    assert missing(gls, carrier="ups") == missing(gls, carrier="unheard-of") == ["postcode"]
    assert missing("https://example.com/{language}/{country}/{number}", postcode="1050") == ["country"]
    assert missing("https://example.com/{number}") == missing("") == []


def test_the_language_of_a_link_goes_without_its_country():
    bpost = carriers()["bpost"].template

    link = build_link(bpost, number="3232 1234 5678", language="fr-be")

    assert link == "https://track.bpost.cloud/btr/web/#/search?itemCode=323212345678&lang=fr"


def test_a_postcode_goes_without_its_space():
    link = build_link(carriers()["postnl"].template, number="3SABC 1", postcode="1506 BA", country="NL")

    assert link == "https://jouw.postnl.nl/track-and-trace/3SABC1-NL-1506BA"


def test_the_placeholders_are_these():
    assert PLACEHOLDERS == ("number", "postcode", "country", "language")
    assert {name for carrier in ALL for name in slots(carrier.template)} == set(PLACEHOLDERS)
