"""
The fonts of PDFs: DejaVu Sans beside this module, then the project's own for what it lacks (``PDF_FONT``).

Latin, Greek, Cyrillic, Hebrew and Arabic are drawn, and the signs that an order may need; ``make`` lists them.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ... import conf

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Face:
    """One font file, and how a style sheet names it."""

    family: str
    path: Path
    is_bold: bool = False

    @property
    def url(self):
        """Its address in a style sheet: its name if it lies in ``FOLDER``, against which addresses are read."""
        return self.path.name if self.path.parent == FOLDER else self.path.as_uri()


OWN = (
    Face("Orders", FOLDER / "DejaVuSans.ttf"),
    Face("Orders", FOLDER / "DejaVuSans-Bold.ttf", is_bold=True),
)


def faces():
    """All fonts of a PDF, those that come along first."""
    given = conf.get("PDF_FONT") or ()
    paths = [given] if isinstance(given, (str, Path)) else given
    return OWN + tuple(Face("Orders more", Path(path), bool(at)) for at, path in enumerate(paths))


def families():
    """The families of ``faces``, in the order in which a character is looked for."""
    return list(dict.fromkeys(face.family for face in faces()))


def drawable():
    """The characters that some regular font of ``faces`` can draw, by their code points."""
    return frozenset().union(*(characters(face.path) for face in faces() if not face.is_bold))


@lru_cache(maxsize=8)
def characters(path):
    """The code points that a font file can draw."""
    from reportlab.pdfbase.ttfonts import TTFontFile

    return frozenset(TTFontFile(str(path), charInfo=1).charToGlyph)
