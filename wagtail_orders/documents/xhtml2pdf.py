"""HTML → PDF by xhtml2pdf: closed to all but the fonts."""

import io
import logging
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from xhtml2pdf.bidi import CONTROL_CHARS
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessError, ResourceAccessPolicy
from xhtml2pdf.document import pisaDocument

from . import fonts, limits

logger = logging.getLogger(__name__)

#: What stands for a character that no font has.
REPLACEMENT = "\ufffd"
#: Controls, formats, unassigned and private ones, and marks on what stands before them.
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me"}


@dataclass(frozen=True)
class FontsOnly(ResourceAccessPolicy):
    """Lets a document read the files of its fonts, and nothing beside them."""

    files: frozenset[Path] = frozenset()

    def check_path(self, path):
        if Path(path).resolve() not in self.files:
            raise ResourceAccessError(f"{str(path)[:120]!r} is none of the fonts")


def render(html, base):
    """
    The PDF of ``html``, whose addresses are read against the folder ``base``. Of files only the fonts are read and
    of the network nothing; what it refuses is left out, and the log says so.
    """
    policy = FontsOnly.server(
        base,
        allow_remote=False,
        max_document_bytes=None,
        max_render_seconds=limits.seconds(),
        files=frozenset(face.path.resolve() for face in fonts.faces()),
    )
    file = io.BytesIO()
    try:
        pisaDocument(
            drawable(html),
            file,
            path=str(base / "document.html"),
            resource_policy=policy,
            # In memory: else it writes more than 100 kB to a file that it leaves to the garbage collector.
            capacity=-1,
        )
    except RenderLimitError as error:
        raise limits.TooSlow from error
    return file.getvalue()


def drawable(text):
    """``text`` in characters that the fonts have; what they lack is replaced, and the log says so."""
    text = unicodedata.normalize("NFC", text)
    known = fonts.drawable()
    # What steers the direction of writing is obeyed, not drawn.
    found = set(text) - CONTROL_CHARS
    lacking = [one for one in found if ord(one) not in known and not one.isspace()]
    if not lacking:
        return text
    # Marks on and joiners between signs that are not there are not seen either.
    table = {ord(one): None if unicodedata.category(one) in _UNSEEN else REPLACEMENT for one in lacking}
    missing = sorted(code for code, replacement in table.items() if replacement)
    if missing:
        codes = ", ".join(f"U+{code:04X}" for code in missing[:20])
        logger.warning('No font of the PDFs has %s: name one that does in WAGTAIL_ORDERS["PDF_FONT"]', codes)
    return text.translate(table)
