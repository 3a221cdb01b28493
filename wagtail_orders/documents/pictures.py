"""The pictures of a document, each as an address that holds it: nothing is read while a document is made."""

import base64
import io
import logging
from dataclasses import dataclass

from lxml import etree
from PIL import Image

from ..notifications.contents import logo as rendition_of

logger = logging.getLogger(__name__)

#: A logo's file, as it was uploaded or in the size that mails show, in bytes; a larger one is left out.
MOST = 1_000_000
_SVG_TYPE = "image/svg+xml"


@dataclass(frozen=True)
class Picture:
    """A picture as a ``data:`` address."""

    src: str
    #: In whatever it is measured in.
    width: float
    height: float

    def within(self, width, height):
        """What a template needs to show it as large as fits in so many millimetres."""
        factor = min(width / self.width, height / self.height)
        return {
            "src": self.src,
            "width": f"{self.width * factor:.2f}mm",
            "height": f"{self.height * factor:.2f}mm",
        }


def _address(content, content_type):
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


def logo(shop):
    """
    The shop's logo; None without one, or with one that cannot be shown, which the log then says. It is read once for
    all orders that share ``shop``.
    """
    if not hasattr(shop, "_picture"):
        shop._picture = _logo(shop)
    return shop._picture


def _logo(shop):
    if shop.logo is None:
        return None
    try:
        return _svg(shop) if shop.logo.is_svg() else _pixels(shop)
    except Exception as error:
        logger.warning("The logo %s is left out of a document: %r", shop.logo, error)
        return None


def _pixels(shop):
    rendition = rendition_of(shop, "format-png")
    if rendition is None:
        raise ValueError("there is no such file, or it is no picture")
    content = _content(rendition.file)
    with Image.open(io.BytesIO(content)) as image:
        # Read to the end here, where a damaged file does no harm.
        image.load()
        return Picture(_address(content, "image/png"), *image.size)


def _svg(shop):
    content = _tamed(_content(shop.logo.file))
    return Picture(_address(content, _SVG_TYPE), shop.logo.width or 3, shop.logo.height or 1)


def _content(file):
    with file.open("rb") as opened:
        content = opened.read(MOST + 1)
    if len(content) > MOST:
        raise ValueError(f"it has more than {MOST} bytes")
    return content


def _tamed(content):
    """An SVG without what could make a renderer read something else, or run."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(content, parser)
    if root.getroottree().docinfo.doctype:
        raise ValueError("it has a document type, which may name other files")
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or etree.QName(element).localname in _UNWANTED:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
            continue
        for name, value in list(element.attrib.items()):
            if _leads_elsewhere(etree.QName(name).localname, value):
                del element.attrib[name]
    return etree.tostring(root)


_UNWANTED = {"script", "foreignObject", "image", "style", "iframe", "object", "embed"}


def _leads_elsewhere(name, value):
    if name == "href":
        return not value.strip().startswith("#")
    return name.startswith("on") or "url(" in value.replace("url(#", "").lower()


def qr_code(text):
    """``text`` as a QR code with its quiet zone; it can be read with a seventh of it missing (level M)."""
    # Not earlier: each start of the site would take a tenth of a second longer.
    from reportlab.graphics.barcode import qrencoder

    code = qrencoder.QRCode(None, qrencoder.QRErrorCorrectLevel.M)
    code.addData(qrencoder.QR8bitByte(text))
    code.make()
    count, quiet = code.moduleCount, 4
    dots = bytes(0 if code.isDark(row, column) else 255 for row in range(count) for column in range(count))
    image = Image.new("L", (count + 2 * quiet, count + 2 * quiet), 255)
    image.paste(Image.frombytes("L", (count, count), dots), (quiet, quiet))
    # Larger, so that no printer smooths its edges.
    image = image.resize((image.width * 8, image.height * 8), Image.Resampling.NEAREST).convert("1")
    file = io.BytesIO()
    image.save(file, "PNG")
    return _address(file.getvalue(), "image/png")
