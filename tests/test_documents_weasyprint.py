"""The other renderer, where it is installed: the same documents, as closed."""

import pytest

from wagtail_orders.documents import fonts, render_html, render_pdf

from .orders import placed
from .paper import needs_poppler, pages_of, places, text_of
from .test_documents_hostile import attacks, canary, secret  # noqa: F401 - fixtures

pytest.importorskip("weasyprint", reason="needs the extra weasyprint")
pytestmark = pytest.mark.django_db


@needs_poppler
def test_weasyprint_makes_the_same_documents(site, settings):
    settings.WAGTAIL_ORDERS = {"PDF_RENDERER": "wagtail_orders.documents.weasyprint.render"}
    order = placed(site=site, language="fr")
    pdf = render_pdf("order-sheet", order)
    assert pages_of(pdf) == 1
    text = text_of(pdf)
    for words in ("Commande", "Tasse en grès « Forêt »", "42,00 €", "Page 1 sur 1"):
        assert words in text
    ((left, top, _right, bottom),) = places(pdf, "IXELLES")
    assert left > 20
    assert 45 < top < bottom < 90


@needs_poppler
def test_weasyprint_reads_nothing_but_the_fonts(site, canary, secret):  # noqa: F811
    from wagtail_orders.documents import weasyprint

    html = render_html("order-sheet", placed(site=site), is_pdf=True)
    for attack in attacks(canary, secret):
        if "colspan" in attack:
            # That only escaping keeps out: it draws a million cells.
            continue
        pdf = weasyprint.render(html.replace("</body>", f"{attack}</body>"), fonts.FOLDER)
        assert "the secret of a file" not in text_of(pdf)
    assert canary.hits == []
