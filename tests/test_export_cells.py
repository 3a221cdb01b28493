"""A text in a table is a text, whatever program opens the file."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wagtail_orders.exports.cells import neutral, neutral_texts

from .tables import HOSTILE, computes, hostile_texts


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@A1",
        "\tx",
        "\rx",
        "\nx",
        " =1",
        "\xa0=1",
        "　=1",
        "\ufeff=1",
        "\u200b=1",
        "\x00=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠A1",
        "﹦1",
        "−1",
        "#REF!",
        "#N/A",
        "#DIV/0!",
        "#NAME?",
        "#BEZUG!",
        "#NV",
        " #REF! ",
    ],
)
def test_what_a_spreadsheet_would_compute_begins_with_an_apostrophe(text):
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a=b",
        "1-2",
        "zoe@example.com",
        "12 #3",
        "#12",
        "№ 5",
        "'=1",
        '"=1"',
        "a, b; c",
        "a\nb",
        "2 - 3",
        "x;y",
        # A list in the remarks is no command.
        "Please:\n- ring twice\n- leave it there",
        "Call me, +32 475 12 34 56",
    ],
)
def test_everything_else_stays_as_it_is(text):
    assert neutral(text) == text


@pytest.mark.parametrize("sign", [",", ";", "|", "\t", "\n", "\r\n"])
def test_a_command_is_harmless_in_the_middle_too(sign):
    """Where the file is split at another sign than it was written with, a cell begins there."""
    assert neutral(f'x{sign} =HYPERLINK("http://evil.example")') == (
        f'x{sign} \'=HYPERLINK("http://evil.example")'
    )
    assert neutral(f"x{sign}+cmd|' /C calc'!A0") == f"x{sign}'+cmd|' /C calc'!A0"


@given(hostile_texts)
@example("\x00\t=1")
def test_no_text_computes(text):
    assert not computes(neutral(text))


@given(hostile_texts)
def test_a_neutral_text_can_be_read_and_is_neutral_for_good(text):
    made = neutral(text)
    assert made.replace("'", "") == text.replace("'", "")
    assert neutral(made) == made


@given(st.lists(st.one_of(hostile_texts, st.sampled_from(HOSTILE), st.none())))
def test_a_column_is_the_same_as_its_texts(values):
    assert neutral_texts(values) == [neutral(value or "") for value in values]


def test_a_long_text_takes_no_longer_for_being_hostile():
    """Each of these would take minutes if a search began again at each sign."""
    for text in (
        "\n" * 200_000,
        ",=" * 200_000,
        " " * 200_000,
        "#" + "a" * 200_000,
        ("\n" + " " * 400) * 500,
    ):
        assert neutral(text).strip("'").replace("'", "") == text.replace("'", "")
        assert neutral_texts([text] * 3) == [neutral(text)] * 3
