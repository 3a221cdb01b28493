"""HTML → PDF: xhtml2pdf by default, closed to all but the fonts, and bounded."""

import io
import logging
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from xhtml2pdf.config.resources import ResourceAccessError, ResourceAccessPolicy
from xhtml2pdf.document import pisaDocument

from . import fonts

logger = logging.getLogger(__name__)

#: What stands for a character that no font has.
REPLACEMENT = "\ufffd"
#: A document has its pictures, all of it our own markup, within so many bytes.
MOST_BYTES = 20_000_000
#: Seconds.
MOST_SECONDS = 120


@dataclass(frozen=True)
class FontsOnly(ResourceAccessPolicy):
    """Lets a document read the files of its fonts, and nothing beside them."""

    files: frozenset[Path] = frozenset()

    def check_path(self, path):
        if Path(path).resolve() not in self.files:
            raise ResourceAccessError(f"{str(path)[:120]!r} is none of the fonts")


def render(html, base):
    """The PDF of ``html`` by xhtml2pdf; what it refuses to read is left out, and the log says so."""
    policy = FontsOnly.server(
        base,
        allow_remote=False,
        max_document_bytes=MOST_BYTES,
        max_render_seconds=MOST_SECONDS,
        files=frozenset(face.path.resolve() for face in fonts.faces()),
    )
    file = io.BytesIO()
    pisaDocument(drawable(html), file, path=str(Path(base) / "document.html"), encoding="utf-8", resource_policy=policy)
    return file.getvalue()


def drawable(text):
    """``text`` in characters that the fonts have; what they lack is replaced, and the log says so."""
    text = unicodedata.normalize("NFC", text)
    known = fonts.drawable()
    lacking = [character for character in set(text) if ord(character) not in known and not character.isspace()]
    if not lacking:
        return text
    # Marks and joiners of signs that are not there are not seen either.
    table = {ord(one): None if unicodedata.category(one) in _UNSEEN else REPLACEMENT for one in lacking}
    missing = sorted(code for code, replacement in table.items() if replacement)
    if missing:
        names = ", ".join(f"U+{code:04X}" for code in missing[:20])
        logger.warning("No font of the PDFs has %s: see WAGTAIL_ORDERS[\"PDF_FONT\"]", names)
    return text.translate(table)


#: Controls, formats, private and unassigned ones, and marks that combine with what stands before them.
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me"}
