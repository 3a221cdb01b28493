"""From a parcel's number to the link that follows it: pure functions, no database."""

from urllib.parse import quote, urlsplit

__all__ = ["build_link", "is_web_link"]


def is_web_link(url):
    """Whether ``url`` is an absolute http or https address that is safe to show as a link."""
    if not isinstance(url, str) or any(character <= " " or character in '"<>\\^`{|}' for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def build_link(template, *, number, postcode="", country="", language=""):
    """
    The tracking link for ``number`` from a shipping method's template with ``{number}`` and optionally
    ``{postcode}``, ``{country}``, ``{language}``, each value percent-encoded. Empty where there is no
    template or no number, or where the outcome would not be an http(s) address.
    """
    if not template or not number:
        return ""
    values = {"number": number, "postcode": postcode, "country": country, "language": language}
    link = template
    for name, value in values.items():
        link = link.replace("{" + name + "}", quote(value, safe=""))
    return link if is_web_link(link) else ""
