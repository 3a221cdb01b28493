"""Which templates are refused and why, what a pasted link says, and how pasted numbers are read."""

from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ValidationError
from hypothesis import assume, given
from hypothesis import strategies as st

from wagtail_orders.tracking import (
    Recognised,
    build_link,
    check_template,
    is_doubtful,
    is_web_link,
    read_numbers,
    recognise,
)

FIT = "https://track.example.com/{language}/{country}?zip={postcode}&item={number}"


def refusal(template, **kwargs):
    with pytest.raises(ValidationError) as refused:
        check_template(template, **kwargs)
    (message,) = refused.value.messages
    return message


@pytest.mark.parametrize(
    "template",
    [
        FIT,
        "http://example.com/{number}",
        "HTTPS://Example.com:8443/{number}?n={number}#{number}",
        "https://example.com?n={number}",
        "https://example.com/é/{number}",
        "https://[2001:db8::1]/{number}",
    ],
)
def test_a_fit_template_passes(template):
    assert check_template(template) is None
    assert build_link(template, number="1") != ""


SCHEME = "The link must start with https:// or http://."
HOST = "Placeholders belong after the carrier's address, as in https://carrier.example/{number}."
NO_ADDRESS = "This is no web address. Copy it from the carrier's tracking page."
USER = "Take out the @ and what stands before it."
SPACE = "There is a space or an invisible character in the link. Take it out."
BRACE = "A brace stands alone. Placeholders are written like this: {number}."
NO_NUMBER = "The link has no {number}. Write {number} where the parcel's number belongs."
THERE_ARE = "There are: {number}, {postcode}, {country}, {language}."


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", SCHEME),
        ("{number}", SCHEME),
        ("example.com/{number}", SCHEME),
        ("//example.com/{number}", SCHEME),
        ("ftp://example.com/{number}", SCHEME),
        ("javascript:alert({number})", SCHEME),
        ("{country}://example.com/{number}", SCHEME),
        ("https:example.com/{number}", SCHEME),
        ("https://{number}", HOST),
        ("https://{number}.evil", HOST),
        ("https://{number}.evil/{number}", HOST),
        ("https://good.example@{number}/", HOST),
        ("https://{number}@good.example/", HOST),
        ("https://good.example:{number}/", HOST),
        ("https://good.example{number}", HOST),
        ("https://[{number}]/", HOST),
        ("https:///{number}", NO_ADDRESS),
        ("https://?n={number}", NO_ADDRESS),
        ("https://[/{number}", NO_ADDRESS),
        ("https://example.com:port/{number}", NO_ADDRESS),
        ("https://good.example@evil.example/{number}", USER),
        ("https://@evil.example/{number}", USER),
        ("https://example.com/ {number}", SPACE),
        ("https://example.com/{number}\n", SPACE),
        ("https://example.com/\x00{number}", SPACE),
        ("https://example.com/\u202e{number}", SPACE),
        ("https://example.com/\u00a0{number}", SPACE),
        ("java\tscript:{number}", SPACE),
        ("https://good.example\\@evil.example/{number}", "\\ cannot stand in a link. Take it out."),
        ('https://example.com/"{number}', '" cannot stand in a link. Take it out.'),
        ("https://example.com/<b>{number}", "< cannot stand in a link. Take it out."),
        ("https://example.com/{order}/{number}", f"{{order}} is no placeholder. {THERE_ARE}"),
        ("https://example.com/{Number}", f"{{Number}} is no placeholder. {THERE_ARE}"),
        ("https://example.com/{}/{zip}", f"{{}}, {{zip}} is no placeholder. {THERE_ARE}"),
        ("https://{host}/{number}", f"{{host}} is no placeholder. {THERE_ARE}"),
        ("https://example.com/{{number}}", BRACE),
        ("https://example.com/{number", BRACE),
        ("https://example.com/}{number}", BRACE),
        ("https://example.com/track", NO_NUMBER),
        ("https://example.com/{postcode}", NO_NUMBER),
    ],
)
def test_an_unfit_template_is_refused_with_the_reason(template, reason):
    assert refusal(template) == reason


def test_a_landing_page_does_without_a_number_but_not_without_an_address():
    assert check_template("https://example.com/track", is_landing=True) is None
    assert refusal("javascript:alert(1)", is_landing=True) == SCHEME
    assert refusal("https://{number}/", is_landing=True) == HOST


SLOTS = ["{number}", "{postcode}", "{country}"]
HOSTS = ["https:", "http:", "javascript:", "//", "://", "example.com", "evil.example"]
pieces = st.lists(st.sampled_from([*"/@:?#\\ {}[]", "..", "%2e", *HOSTS, *SLOTS]), max_size=12).map("".join)
wicked = st.text(alphabet="./\\%#?&=@:ehttpsvil2E\t ", max_size=30) | st.text(max_size=10)


@given(template=pieces | pieces.map("https://example.com/".__add__), value=wicked, other=wicked)
def test_whatever_an_old_template_holds_the_host_is_its_own_or_there_is_no_link(template, value, other):
    link = build_link(template, number=value, postcode=other, country=other)

    if link:
        assert is_web_link(link)
        assert "{" not in urlsplit(template).netloc
        assert urlsplit(link).netloc == urlsplit(template).netloc


@given(template=pieces | pieces.map("https://example.com/{number}/".__add__))
def test_a_template_that_passes_makes_a_link(template):
    try:
        check_template(template)
    except ValidationError:
        assume(False)

    assert build_link(template, number="3SABC", postcode="1050", country="BE") != ""


@pytest.mark.parametrize(
    ("template", "number"),
    [
        ("https://{number}/", "evil.example"),
        ("https://{number}.evil/", "1"),
        ("https://good.example@{number}/", "evil.example"),
        ("https:{country}//{number}/?x://good.example/", "evil.example"),
        ("https://good.example\\{number}", "@evil.example"),
        ("https://[{number}]/", "::1"),
        ("https://example.com/a/{number}", ".."),
        ("https://example.com/a/{number}", ". ."),
        ("https://example.com/a/{number}/b", "."),
        ("https://example.com/a/.{number}", "."),
        ("https://example.com/a/%2E{number}?b", "."),
        ("https://example.com/a/{number}{postcode}", "."),
        ("https://example.com/{number}", " \t\n"),
    ],
)
def test_no_link_comes_of_a_template_or_a_number_that_leads_elsewhere(template, number):
    assert build_link(template, number=number, postcode=".") == ""


def test_dots_are_no_steps_where_there_is_no_path():
    assert build_link("https://example.com/?n={number}", number="..") == "https://example.com/?n=.."
    assert build_link("https://example.com/{number}", number="1.2") == "https://example.com/1.2"


# --- From the link to the number


@pytest.mark.parametrize(
    ("url", "number", "carrier"),
    [
        ("https://track.bpost.cloud/btr/web/#/search?itemCode=3232&lang=en", "3232", "bpost"),
        ("https://track.bpost.cloud/btr/web/#/search?postalCode=1050&lang=nl&itemCode=3232", "3232", "bpost"),
        ("  https://TRACK.bpost.cloud/btr/web/?itemCode=3232#x\n", "3232", "bpost"),
        ("https://jouw.postnl.nl/track-and-trace/3SABC-NL-1012AB", "3SABC", "postnl"),
        ("https://jouw.postnl.nl/track-and-trace/3S-AB-C-PT-1000-001", "3S-AB-C", "postnl"),
        ("https://jouw.postnl.nl/track-and-trace/3SABC--", "3SABC", "postnl"),
        ("http://www.postnl.nl/tracktrace/?T=C&D=NL&P=1012AB&B=3SABC", "3SABC", "postnl"),
        ("https://ups.com/track?loc=fr_BE&tracknum=1Z%20999%20AA1&requester=ST/", "1Z999AA1", "ups"),
        ("https://www.ups.com/track?TrackNum=1Z999", "1Z999", "ups"),
        ("https://trace.dpd.fr/en/trace/250001", "250001", "dpd_fr"),
        ("https://tracking.dpd.de/status/en_BE/parcel/0123", "0123", "dpd_de"),
        ("https://tracking.dpd.de/status/nl_BE/parcel/0123", "0123", "dpd_be"),
        ("https://tracking.dpd.de/parcelstatus?locale=nl_NL&query=0123", "0123", "dpd_nl"),
        ("https://www.evri.com/track/parcel/H01A/details", "H01A", "evri"),
        ("https://www.evri.com/track/parcel/H01A", "H01A", "evri"),
        ("https://www.royalmail.com/track-your-item/#/tracking-results/AB1/", "AB1", "royalmail"),
        ("https://www.dhl.com/de-de/home/tracking.html?tracking-id=12&submit=1", "12", "dhl"),
        (
            "https://www.dhl.com/de-de/home/tracking/tracking-express.html?submit=1&tracking-id=12",
            "12",
            "dhl_express",
        ),
    ],
)
def test_a_pasted_link_is_understood(url, number, carrier):
    assert recognise(url) == Recognised(number=number, carrier=carrier)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "3232",
        "javascript:alert(1)",
        "https://example.com/?itemCode=3232",
        "https://track.bpost.cloud.evil.example/?itemCode=3232",
        "https://track.bpost.cloud@evil.example/?itemCode=3232",
        "https://evil.example/https://track.bpost.cloud/?itemCode=3232",
        "https://track.bpost.cloud/btr/web/#/search?itemCode=",
        "https://track.bpost.cloud/btr/web/#/search?itemCode=%20",
        "https://track.bpost.cloud/btr/web/#/search?itemCode=32%0032",
        "https://track.bpost.cloud/btr/web/#/search",
        "https://www.yodel.co.uk/help/contact",
        "https://www.yodel.co.uk/tracking/",
        "https://www.yodel.co.uk/en/help",
        "https://www.myhermes.de/#top",
        "https://www.relaiscolis.com/suivi-de-colis/",
        "https://[",
        "track.bpost.cloud/btr/web/#/search?itemCode=3232",
    ],
)
def test_what_is_no_tracking_link_is_not_taken_for_one(url):
    assert recognise(url) is None


def test_the_shops_own_methods_come_first():
    own = [(7, "https://ups.com/track?tracknum={number}"), (8, "https://www.ups.com/track?parcel={number}")]

    assert recognise("https://www.ups.com/track?tracknum=1Z", own) == Recognised("1Z", "ups", 7)
    assert recognise("https://www.ups.com/track?parcel=1Z", own) == Recognised("1Z", "", 8)
    assert recognise("https://www.fedex.com/fedextrack/?trknbr=1Z", own) == Recognised("1Z", "fedex", None)


def test_the_closest_of_the_shops_methods_is_taken():
    own = [
        ("home", "https://example.com/track?n={number}&to=home"),
        ("shop", "https://example.com/track?n={number}&to=shop"),
    ]

    assert recognise("https://example.com/track?to=shop&n=1", own).key == "shop"
    assert recognise("https://example.com/track?n=1", own).key == "home"


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{number}",
        "javascript:{number}",
        "https://{number}/",
        "https://[{number}]/",
        "https://ups.com/track",
    ],
)
def test_an_old_unfit_template_recognises_nothing_and_stops_nothing(template):
    assert recognise("https://ups.com/track?tracknum=1Z", [(1, template)]) == Recognised("1Z", "ups", None)


def test_a_template_cannot_make_recognising_slow():
    template = "https://example.com/" + "{number}{postcode}{language}{country}" * 20 + "!"

    assert recognise("https://example.com/" + "a" * 1900, [(1, template)]) is None


@given(url=st.text(max_size=80) | pieces.map("https://www.yodel.co.uk/".__add__), template=pieces)
def test_no_pasted_text_breaks_anything(url, template):
    found = recognise(url, [(1, template)])

    assert found is None or (found.number and found.number.isprintable())


# --- Pasted numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        (" \n\t ,;, ", []),
        ("3SABC", ["3SABC"]),
        ("3232 1234 5678", ["323212345678"]),
        ("3232 1234 5678\n3232 1234 5679", ["323212345678", "323212345679"]),
        ("a,b;c\td\r\ne\u2028f", ["a", "b", "c", "d", "e", "f"]),
        ("a, b ;c\n\na", ["a", "b", "c"]),
        ("RB123456785GB RR123456785BE", ["RB123456785GB", "RR123456785BE"]),
        ("RB 123 456 785 GB", ["RB123456785GB"]),
        ("1234 RB123456785GB", ["1234RB123456785GB"]),
        ("https://a.example/1 https://b.example/2", ["https://a.example/1", "https://b.example/2"]),
        ("https://a.example/1,RB123456785GB", ["https://a.example/1", "RB123456785GB"]),
        ("https://a.example/1 rb123456785gb", ["https://a.example/1", "rb123456785gb"]),
        ("https://a.example/t;s=1?n=2,3=4", ["https://a.example/t;s=1?n=2,3=4"]),
        ("https://a.example/t;s=1 https://b.example/;", ["https://a.example/t;s=1", "https://b.example/"]),
        (
            "https://a.example/1,https://b.example/2, 3S AB 12",
            ["https://a.example/1", "https://b.example/2", "3SAB12"],
        ),
        ("https://a.example/a,b,c;d?n=1", ["https://a.example/a,b,c;d?n=1"]),
        ("https://a.example/1; 3232 0001;3232 0002", ["https://a.example/1", "32320001", "32320002"]),
        ("3232\u00a01234\u200b\ufeff", ["32321234"]),
        ("b\na\nb", ["b", "a"]),
    ],
)
def test_numbers_are_read_out_of_what_was_pasted(text, numbers):
    assert read_numbers(text) == numbers


@given(st.text(max_size=100))
def test_numbers_are_never_empty_spaced_or_twice(text):
    numbers = read_numbers(text)

    assert all(number.isprintable() and " " not in number for number in numbers)
    assert all(is_web_link(number) or not set(number) & set(",;") for number in numbers)
    assert "" not in numbers
    assert len(set(numbers)) == len(numbers)
    assert read_numbers("\n".join(numbers)) == numbers


@pytest.mark.parametrize(
    "number",
    [
        "RB123456785GB",
        "rb123456785gb",
        "RB 123 456 785 GB",
        "RR473124829SE",
        "XX000000005XX",
        "RB000000080GB",
    ],
)
def test_a_check_digit_that_fits_is_not_questioned(number):
    assert not is_doubtful(number)


@pytest.mark.parametrize("number", ["RB123456784GB", "RB123456875GB", "rb 123456780 gb", "RR473124828SE"])
def test_a_check_digit_that_does_not_fit_is_questioned(number):
    assert is_doubtful(number)


@pytest.mark.parametrize(
    "number", ["", "3SABC", "123456784", "RB12345678GB", "RB1234567840GB", "RB١٢٣٤٥٦٧٨٤GB"]
)
def test_a_number_of_another_shape_is_not_questioned(number):
    assert not is_doubtful(number)


@given(st.integers(0, 99_999_999))
def test_exactly_one_check_digit_fits(serial):
    fitting = [check for check in range(10) if not is_doubtful(f"RB{serial:08}{check}GB")]

    assert len(fitting) == 1
