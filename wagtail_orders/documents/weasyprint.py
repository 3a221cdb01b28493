"""HTML → PDF by WeasyPrint, closed as xhtml2pdf is: ``pip install wagtail-orders[weasyprint]``."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import fonts


def render(html, base):
    """
    The PDF of ``html``, whose addresses are read against the folder ``base``. Of files only the fonts are read and
    of the network nothing. WeasyPrint cannot be stopped while it works: ``PDF_SECONDS`` does not bound it.
    """
    from weasyprint import HTML

    return HTML(string=html, base_url=f"{base.as_uri()}/", url_fetcher=_fetcher()).write_pdf()


def _fetcher():
    from weasyprint.urls import URLFetcher

    class FontsOnly(URLFetcher):
        """Reads what lies in the document itself, and the files of its fonts."""

        def __init__(self):
            super().__init__(allowed_protocols=["data", "file"], fail_on_errors=False)
            self._files = {face.path.resolve() for face in fonts.faces()}

        def fetch(self, url, headers=None):
            parts = urlsplit(url)
            if parts.scheme != "data" and Path(unquote(parts.path)).resolve() not in self._files:
                raise ValueError(f"{url[:120]!r} is none of the fonts")
            return super().fetch(url, headers)

    return FontsOnly()
