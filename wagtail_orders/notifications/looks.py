"""The shop's colour in a mail: what can be read on it, and on what it can be read."""

from dataclasses import dataclass

DEFAULT = "#2e6b4f"


@dataclass(frozen=True)
class Palette:
    """Colours as ``#rrggbb``."""

    #: The shop's own, behind a button, and the text on it.
    brand: str
    on_brand: str
    #: The shop's own as text: on a light page, and on a dark one.
    link: str
    link_dark: str
    #: The shop's own as a line and around a button: on a light page, and on a dark one.
    edge: str
    edge_dark: str


def palette(color):
    """
    The colours that go with the shop's own: text by WCAG 2.2's 1.4.3 (4.5 to 1), lines by 1.4.11 (3 to 1).
    """
    brand = color or DEFAULT
    return Palette(
        brand=brand,
        on_brand=max("#ffffff", "#000000", key=lambda ink: contrast(ink, brand)),
        link=_until(4.5, brand, on="#ffffff", towards="#000000"),
        link_dark=_until(4.5, brand, on="#1c1c1e", towards="#ffffff"),
        # On the boxes, which come closer to the colour than the page.
        edge=_until(3, brand, on="#f6f5ef", towards="#000000"),
        edge_dark=_until(3, brand, on="#2a2a2d", towards="#ffffff"),
    )


def contrast(one, other):
    """WCAG 2.2's contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _until(ratio, color, *, on, towards):
    """The colour, mixed with as little of ``towards`` as gives that contrast."""
    for percent in range(0, 101, 5):
        mixed = _mix(color, towards, percent / 100)
        if contrast(mixed, on) >= ratio:
            return mixed
    return towards


def _mix(color, other, share):
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(color):
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(color):
    # WCAG 2.2, "relative luminance".
    parts = [channel / 255 for channel in _channels(color)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
