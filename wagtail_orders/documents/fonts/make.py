"""
Makes the fonts beside it: DejaVu Sans 2.37, less the scripts and signs that no order needs. Run it with fonttools
installed, as ``python make.py /usr/share/fonts/truetype/dejavu`` (Debian's fonts-dejavu-core).
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")

RANGES = [
    (0x0020, 0x007E),  # Latin, with all the accents of Europe and Vietnam
    (0x00A0, 0x024F),
    (0x0259, 0x0259),
    (0x02B0, 0x02FF),
    (0x0300, 0x036F),
    (0x1E00, 0x1EFF),
    (0x0370, 0x03FF),  # Greek
    (0x1F00, 0x1FFF),
    (0x0400, 0x052F),  # Cyrillic
    (0x0590, 0x05FF),  # Hebrew
    (0xFB1D, 0xFB4F),
    (0x0600, 0x06FF),  # Arabic, with the shapes that xhtml2pdf writes it in
    (0x0750, 0x077F),
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFC),
    (0xFB00, 0xFB06),  # Ligatures
    (0x2000, 0x206F),  # Punctuation, superscripts, currencies, № ™ ℓ, fractions, arrows
    (0x2070, 0x20CF),
    (0x2100, 0x214F),
    (0x2150, 0x218F),
    (0x2190, 0x21FF),
    (0x2212, 0x221E),  # A few of mathematics
    (0x2248, 0x2265),
    (0x25A0, 0x25FF),  # Shapes
    (0x2605, 0x2606),  # Stars, hearts, tick boxes and ticks
    (0x260E, 0x2612),
    (0x2660, 0x2667),
    (0x2709, 0x2709),
    (0x2713, 0x2718),
    (0x2764, 0x2764),
    (0xFFFD, 0xFFFD),  # What stands for a character that is not here
]
#: Direct the writing and are not seen; DejaVu lacks some, and each gets the glyph of a space without width.
UNSEEN = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
NO_WIDTH = 0x200B
#: What joins Arabic letters, and places marks on letters, for a renderer that reads it.
FEATURES = ["ccmp", "init", "medi", "fina", "isol", "rlig", "liga", "mark", "mkmk"]


def make(folder):
    from fontTools import subset

    options = subset.Options(layout_features=FEATURES, hinting=False, notdef_outline=True)
    options.drop_tables += ["FFTM"]
    for name in NAMES:
        font = subset.load_font(str(Path(folder, name)), options)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap |= dict.fromkeys(UNSEEN, font.getBestCmap()[NO_WIDTH])
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
        subsetter.subset(font)
        subset.save_font(font, str(HERE / name), options)


if __name__ == "__main__":
    make(sys.argv[1])
