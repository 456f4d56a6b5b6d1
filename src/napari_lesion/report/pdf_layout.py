"""Fonts, styles, tables' cells and pictures of the PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
)

from napari_lesion.report.html import COLOURS
from napari_lesion.report.pictures import Picture

MARGIN = 15 * mm


WIDTH = A4[0] - 2 * MARGIN - 12  # a frame pads by 6 points on each side


DIM = colors.HexColor("#5b5b60")


_NOTE = colors.HexColor("#fff4d6")


PLANE, GAP = 36 * mm, 2 * mm
"""A picture of a finding, and what lies between two."""


_MOST_LETTERS = 500
"""In a cell of a table; headers and comments may hold thousands."""


FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"


class Styles:
    """Paragraph styles, by what they are for."""

    def __init__(self) -> None:
        base = ParagraphStyle("base", fontName=FONT, fontSize=8, leading=10.5)
        self.text = base
        self.small = ParagraphStyle("small", base, fontSize=6.8, leading=8.8)
        self.dim = ParagraphStyle("dim", self.small, textColor=DIM)
        self.uid = ParagraphStyle("uid", self.dim, fontSize=5.4, leading=7)  # a finding's two in a line
        self.title = ParagraphStyle("title", base, fontName=BOLD, fontSize=15, leading=19)
        self.heading = ParagraphStyle(
            "heading", base, fontName=BOLD, fontSize=11, leading=14, spaceBefore=10, spaceAfter=3
        )
        self.lead = ParagraphStyle("lead", base, fontName=BOLD, fontSize=9.5, leading=13, spaceBefore=4)
        self.item = ParagraphStyle(
            "item", self.small, leftIndent=11, bulletIndent=2, bulletFontName=FONT, bulletFontSize=6.8
        )
        self.use = ParagraphStyle(
            "use", base, fontName=BOLD, backColor=_NOTE, borderPadding=3, spaceBefore=4, spaceAfter=6
        )
        self.note = ParagraphStyle("note", self.small, backColor=_NOTE, borderPadding=2, spaceBefore=3, spaceAfter=3)


class Planes(Flowable):  # type: ignore[misc]
    """Pictures of findings beside each other, with their lines and below each its view or what else it is to say."""

    def __init__(self, pictures: Sequence[Picture], side: float, says: Sequence[str] = ()) -> None:
        super().__init__()
        self._pictures, self._side = pictures, side
        self._says = says or [picture.view for picture in pictures]
        self.width = len(pictures) * (side + GAP) - GAP
        self.height = side + 8

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Get the size, as reportlab asks for it."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw the pictures beside each other."""
        for n, picture in enumerate(self._pictures):
            self.canv.saveState()
            self.canv.translate(n * (self._side + GAP), 8)
            _draw(self.canv, picture, self._side)
            self.canv.setFont(FONT, 6)
            self.canv.setFillColor(DIM)
            self.canv.drawCentredString(self._side / 2, -7, printable(self._says[n]))
            self.canv.restoreState()


def _draw(canvas: Canvas, picture: Picture, side: float) -> None:
    """Draw a picture with its lower left corner at the origin."""
    pixel = side / picture.pixels
    canvas.drawImage(ImageReader(io.BytesIO(picture.jpeg)), 0, 0, side, side)
    clip = canvas.beginPath()
    clip.rect(0, 0, side, side)
    canvas.saveState()
    canvas.clipPath(clip, stroke=0, fill=0)
    for line in picture.lines:
        path = canvas.beginPath()
        for n, (x, y) in enumerate(line.places):
            (path.lineTo if n else path.moveTo)(x * pixel, side - y * pixel)
        canvas.setDash(*((3, 2) if line.kind in ("short axis", "estimate") else ((), 0)))
        for colour, width in (("#000000", 1.3), (COLOURS[line.kind], 0.7)):
            canvas.setStrokeColor(colors.HexColor(colour))
            canvas.setLineWidth(width)
            canvas.drawPath(path)
    canvas.restoreState()
    size = max(5.0, side / 22)
    left, right, top, bottom = picture.letters
    places = ((2, side / 2, left), (side - size, side / 2, right), (side / 2, side - size, top), (side / 2, 2, bottom))
    for x, y, letter in (*places, (4, 4.5, "10 mm")):
        _outlined(canvas, x, y, letter, size if len(letter) == 1 else 0.75 * size)
    for colour, width in ((colors.black, 1.8), (colors.white, 1.0)):
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(width)
        canvas.line(4, 3, 4 + picture.scale * pixel, 3)


def _outlined(canvas: Canvas, x: float, y: float, text: str, size: float) -> None:
    """Write white letters with a black edge, to be read on any picture."""
    canvas.setFont(BOLD, size)
    edge = size / 14
    canvas.setFillColor(colors.black)
    for dx, dy in ((-edge, -edge), (-edge, edge), (edge, -edge), (edge, edge)):
        canvas.drawString(x + dx, y + dy, text)
    canvas.setFillColor(colors.white)
    canvas.drawString(x, y, text)


def register_fonts() -> None:
    """Make the fonts known that have all letters that reports need."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    if FONT not in pdfmetrics.getRegisteredFontNames():
        for name in (FONT, BOLD):
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
        pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def cell_of(value: str) -> str:
    """Escape for a cell of a table, which must not be larger than a page."""
    return text_of(value if len(value) <= _MOST_LETTERS else f"{value[:_MOST_LETTERS]}… (report.html has all of it)")


def text_of(value: str) -> str:
    """Escape for a paragraph."""
    return escape(printable(value), quote=False)


def printable(value: str) -> str:
    """Put □ for each character that the font lacks."""
    glyphs = pdfmetrics.getFont(FONT).face.charToGlyph
    return "".join(c if ord(c) in glyphs or c in "\n\t" else "□" for c in value)
