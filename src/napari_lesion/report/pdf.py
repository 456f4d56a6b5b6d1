"""``report.pdf``: the same report for paper, A4, one page of summary first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

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
    Image,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from napari_lesion.model.findings import Report
from napari_lesion.model.judged import Advice
from napari_lesion.model.volume import readable_date
from napari_lesion.report import growth_plot
from napari_lesion.report.content import COLUMNS, Content, Entry, Fact, Group, doubling, outcome
from napari_lesion.report.html import COLOURS, adds, growth_note
from napari_lesion.report.measurements import HEADINGS
from napari_lesion.report.pictures import Picture
from napari_lesion.support.atomic import whole_file

FILE_NAME = "report.pdf"

_MARGIN = 15 * mm
_WIDTH = A4[0] - 2 * _MARGIN - 12  # a frame pads by 6 points on each side
_DIM = colors.HexColor("#5b5b60")
_LINE = colors.HexColor("#c8c8cc")
_NOTE = colors.HexColor("#fff4d6")
_PLANE, _GAP = 36 * mm, 2 * mm
"""A picture of a finding, and what lies between two."""
_MOST_PICTURES = 6
"""In the summary."""
_MOST_WARNINGS = 6
"""In the summary; all of them follow it."""
_MOST_LETTERS = 500
"""In a cell of a table; headers and comments may hold thousands."""
_CAPTION = (
    "Volume with one standard deviation of measuring. Lung-RADS in brackets: what it would be if it applied. Score: "
    "how sure the model is; not a probability of malignancy."
)
_MEASURED = (
    "Lengths and areas in the plane that is named. Values of the scan's own voxels; SD: standard deviation of these "
    "voxels."
)
_FONT, _BOLD = "DejaVuSans", "DejaVuSans-Bold"


class _Styles:
    """Paragraph styles, by what they are for."""

    def __init__(self) -> None:
        base = ParagraphStyle("base", fontName=_FONT, fontSize=8, leading=10.5)
        self.text = base
        self.small = ParagraphStyle("small", base, fontSize=6.8, leading=8.8)
        self.dim = ParagraphStyle("dim", self.small, textColor=_DIM)
        self.uid = ParagraphStyle("uid", self.dim, fontSize=5.4, leading=7)  # a finding's two in a line
        self.title = ParagraphStyle("title", base, fontName=_BOLD, fontSize=15, leading=19)
        self.heading = ParagraphStyle(
            "heading", base, fontName=_BOLD, fontSize=11, leading=14, spaceBefore=10, spaceAfter=3
        )
        self.lead = ParagraphStyle("lead", base, fontName=_BOLD, fontSize=9.5, leading=13, spaceBefore=4)
        self.item = ParagraphStyle(
            "item", self.small, leftIndent=11, bulletIndent=2, bulletFontName=_FONT, bulletFontSize=6.8
        )
        self.use = ParagraphStyle(
            "use", base, fontName=_BOLD, backColor=_NOTE, borderPadding=3, spaceBefore=4, spaceAfter=6
        )
        self.note = ParagraphStyle("note", self.small, backColor=_NOTE, borderPadding=2, spaceBefore=3, spaceAfter=3)


class _Planes(Flowable):  # type: ignore[misc]
    """Pictures of findings beside each other, with their lines and below each its view or what else it is to say."""

    def __init__(self, pictures: Sequence[Picture], side: float, says: Sequence[str] = ()) -> None:
        super().__init__()
        self._pictures, self._side = pictures, side
        self._says = says or [picture.view for picture in pictures]
        self.width = len(pictures) * (side + _GAP) - _GAP
        self.height = side + 8

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        for n, picture in enumerate(self._pictures):
            self.canv.saveState()
            self.canv.translate(n * (self._side + _GAP), 8)
            _draw(self.canv, picture, self._side)
            self.canv.setFont(_FONT, 6)
            self.canv.setFillColor(_DIM)
            self.canv.drawCentredString(self._side / 2, -7, _printable(self._says[n]))
            self.canv.restoreState()


def save_pdf(report: Report, content: Content, path: Path) -> None:
    """Write a report as PDF, whole or not at all.

    The font that is embedded, DejaVu Sans, has Latin, Greek and Cyrillic letters; where a name needs others, its page
    says so.

    Parameters
    ----------
    report : Report
    content : Content
        The same in words.
    path : Path
    """
    _register_fonts()
    style = _Styles()
    story = [*_summary(content, style), PageBreak(), *_table(content, style)]
    story += [*_measured(content, style), *_time(report, content, style)]
    legend = "Axial from the feet, coronal from the front, sagittal from the left of the patient. Outline: the mask; "
    legend += "solid and dashed line: long and short axis; dashed circle: only estimated."
    before = [
        Paragraph("Each finding", style.heading),
        Paragraph(content.without_pictures or legend, style.dim),
    ]
    for entry in content.entries:
        story += _finding(entry, style, before)
        before = []
    story += _made(report, content, style)
    with whole_file(path, private=True) as temporary:
        document = SimpleDocTemplate(
            str(temporary),
            pagesize=A4,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=13 * mm,
            bottomMargin=16 * mm,
            title=content.title,
            author="napari-lesion",
            lang="en",
        )

        def footer(canvas: Canvas, _document: SimpleDocTemplate) -> None:
            canvas.setFont(_FONT, 6.5)
            canvas.setFillColor(_DIM)
            canvas.drawString(_MARGIN, 9 * mm, _printable(content.title)[:130])
            canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, f"page {canvas.getPageNumber()}")

        document.build(story, onFirstPage=footer, onLaterPages=footer)


def _summary(content: Content, style: _Styles) -> list[Any]:
    story: list[Any] = [
        Paragraph(_text(content.title), style.title),
        Paragraph(_text(content.intended_use), style.use),
        Paragraph("Impression", style.heading),
        *(Paragraph(_text(line), style.text, bulletText="•") for line in content.impression),
        Paragraph(_text(content.result), style.lead),
        Spacer(1, 3),
        _columns(content.scan, (*content.certificate[:2], *content.model[:4]), style),
    ]
    if any(_printable(fact.value) != fact.value for fact in content.scan):
        story.append(Paragraph("□ stands for a letter that this PDF's font lacks; report.html has it.", style.dim))
    story.append(Paragraph("The patient, as far as guidelines ask", style.heading))
    half = (len(content.patient) + 1) // 2
    story.append(_columns(content.patient[:half], content.patient[half:], style))
    for advice in content.exam:
        story.append(Paragraph(_text(_headline(advice)), style.lead))
        story += [Paragraph(_text(line), style.small) for line in (advice.advice, advice.why_not) if line]
    if content.top:
        story.append(
            Paragraph("Findings" if len(content.top) == len(content.entries) else _which(content), style.heading)
        )
        story += [Paragraph(_CAPTION, style.dim), Spacer(1, 2), _rows(content.top, style)]
    if shown := [entry for entry in content.top if entry.pictures][:_MOST_PICTURES]:
        side = min(42 * mm, (_WIDTH + _GAP) / len(shown) - _GAP)
        says = [f"F{entry.number} · {entry.pictures[0].view}" for entry in shown]
        story += [Spacer(1, 8), _Planes([entry.pictures[0] for entry in shown], side, says)]
    if content.warnings:
        story.append(Paragraph("To know before reading on", style.heading))
        story += [Paragraph(_text(warning), style.note) for warning in content.warnings[:_MOST_WARNINGS]]
        if (more := len(content.warnings) - _MOST_WARNINGS) > 0:
            story.append(Paragraph(f"{more} more on the next page.", style.dim))
    return story


def _which(content: Content) -> str:
    return f"{len(content.top)} of {len(content.entries)} findings: what readers confirmed, then the largest"


def _table(content: Content, style: _Styles) -> list[Any]:
    story: list[Any] = []
    if len(content.warnings) > _MOST_WARNINGS:
        story.append(Paragraph("All that is to know before reading on", style.heading))
        story += [Paragraph(_text(warning), style.note) for warning in content.warnings]
    for advice in content.exam:
        if advice.trace or advice.missing:
            headline = f"How that was decided: {_headline(advice)}"
            story += [Paragraph(_text(headline), style.heading), *_reasons(advice, style, also_advice=False)]
    if len(content.entries) > len(content.top):
        story += [Paragraph("All findings", style.heading), _rows(content.entries, style)]
    if content.rejected:
        story.append(Paragraph("Rejected by readers", style.heading))
        story += [Paragraph(_text(line), style.small) for line in content.rejected]
    return story


def _measured(content: Content, style: _Styles) -> list[Any]:
    if not content.measured:
        return []
    header = [Paragraph(f"<b>{_text(name)}</b>", style.small) for name in HEADINGS]
    rows = [[Paragraph(_cell(cell), style.small) for cell in row] for row in content.measured]
    widths = [8, 26, 70, 46, 26]
    table = Table([header, *rows], colWidths=[_WIDTH * width / sum(widths) for width in widths], repeatRows=1)
    table.setStyle(_ROWS)
    notes = [Paragraph(_text(note), style.dim) for note in content.measured_notes]
    return [Paragraph("Measured by hand", style.heading), Paragraph(_MEASURED, style.dim), Spacer(1, 2), table, *notes]


def _time(report: Report, content: Content, style: _Styles) -> list[Any]:
    if not content.comparisons:
        return []
    story: list[Any] = [Paragraph("Over time", style.heading)]
    for comparison in content.comparisons:
        days = "" if comparison.days is None else f", {comparison.days} days before"
        says = f"Prior of {readable_date(comparison.prior_study_date)}{days}: {comparison.alignment.says}"
        story.append(Paragraph(_text(says), style.text))
    growth_histories = growth_plot.growth_histories(report)
    if growth_histories:
        picture = growth_plot.growth_png(growth_histories[: growth_plot.MOST], dpi=200)
        story += [
            Image(io.BytesIO(picture), 140 * mm, 140 * mm * 3.2 / 6.6),
            Paragraph(growth_note(len(growth_histories)), style.dim),
        ]
    for when, change in content.gone:
        was = f", was {change.prior_diameter_mm:.1f} mm" if change.prior_diameter_mm else ""
        story.append(Paragraph(_text(f"{when}: {change.fate}{was}. {change.why}"), style.item, bulletText="•"))
    return story


def _finding(entry: Entry, style: _Styles, before: list[Any]) -> list[Any]:
    """Pictures with the change over time below them, numbers beside; what was reasoned over the whole width."""
    first, *others = entry.groups
    pictures: list[Any] = [_Planes(entry.pictures, _PLANE), Spacer(1, 2)] if entry.pictures else []
    left = 3 * _PLANE + 2 * _GAP if pictures else _WIDTH / 2
    right = _WIDTH - left - 3 * mm
    said = [Paragraph(_cell(f"{group.title}: {_in_line(group.facts)}"), style.small) for group in others]
    for when, change in entry.changes:
        time = f", {doubling(change)}" if doubling(change) else ""
        says = f"<b>{_text(f'Since {when}: {change.fate}{time}.')}</b> {_cell(change.why)}"
        said.append(Paragraph(says, style.small))
    beside = Table([[[*pictures, *said], _group(first, style, right)]], colWidths=[left + 3 * mm, right], splitInRow=1)
    beside.setStyle(_PLAIN)
    reasons: list[Any] = [Paragraph(_text(entry.reason), style.dim)] if entry.reason else []
    for advice in entry.advice:
        reasons += _judged(_headline(advice), _reasons(advice, style), style)
    reasons += _brock(entry, style)
    reasons += [Paragraph(_text(line), style.item, bulletText="•") for line in entry.history]
    notes = [Paragraph(_text(note), style.note) for note in entry.notes]
    return [KeepTogether([*before, Paragraph(_text(entry.heading), style.heading), *notes, beside, *reasons])]


def _in_line(facts: Sequence[Fact]) -> str:
    return "; ".join(f"{fact.name[0].lower()}{fact.name[1:]} {fact.value}" for fact in facts) + "."


def _judged(headline: str, reasons: list[Any], style: _Styles) -> list[Any]:
    return [Spacer(1, 2.5), Paragraph(f"<b>{_text(headline)}</b>", style.small), *reasons]


def _group(group: Group, style: _Styles, width: float) -> list[Any]:
    return [Paragraph(f"<b>{_text(group.title)}</b>", style.small), _facts(group.facts, style.small, 22 * mm, width)]


def _brock(entry: Entry, style: _Styles) -> list[Any]:
    brock = entry.brock
    if brock is None:
        return []
    why_not = [Paragraph(_text(brock.why_not), style.small)] if brock.why_not else []
    story = _judged(f"{brock.model}: {outcome(brock)}", why_not, style)
    if brock.terms:
        terms = (
            f"{term.name}: {term.value}{f' ({term.source})' if term.source else ''} {adds(term)}"
            for term in brock.terms
        )
        story.append(Paragraph(_text("Terms of the logit: " + "; ".join(terms) + "."), style.dim))
    story += [Paragraph(_text(note), style.small) for note in brock.notes]
    if brock.missing:
        story.append(Paragraph(_text(f"Not known: {', '.join(brock.missing)}."), style.dim))
    return story


def _made(report: Report, content: Content, style: _Styles) -> list[Any]:
    versions = Fact("Versions", ", ".join(f"{fact.name} {fact.value}" for fact in content.made_by))
    analysed = Fact("Analysed", content.created)
    priors = (
        f"Prior of {readable_date(prior.prior_study_date)}: {prior.prior_series_uid}" for prior in content.comparisons
    )
    names = (f"This series: {report.series_uid}", *priors, *(entry.names for entry in content.entries))
    return [
        Paragraph("How this was made", style.heading),
        _facts((*content.certificate, *content.model, versions, analysed), style.small, 32 * mm, _WIDTH),
        Paragraph("Names in DICOM", style.heading),
        *(Paragraph(_text(name), style.uid) for name in names),
    ]


def _headline(advice: Advice) -> str:
    return f"{advice.guideline}: {outcome(advice)}"


def _reasons(advice: Advice, style: _Styles, *, also_advice: bool = True) -> list[Any]:
    lines = (advice.advice, advice.why_not) if also_advice else ()
    story: list[Any] = [Paragraph(_text(line), style.small) for line in lines if line]
    for number, step in enumerate(advice.trace, 1):
        source = f'<font color="#5b5b60">[{_text(step.rests_on)}]</font>'
        story.append(Paragraph(f"{_text(step.says)} {source}", style.item, bulletText=f"{number}."))
    if advice.missing:
        story.append(Paragraph(_text(f"Not known, and needed to say more: {', '.join(advice.missing)}."), style.dim))
    return story


_PLAIN = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 0.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
    ]
)
_ROWS = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, _LINE),
    ]
)


def _rows(entries: Sequence[Entry], style: _Styles) -> Table:
    header = [Paragraph(f"<b>{_text(name)}</b>", style.small) for name in COLUMNS]
    rows = [[Paragraph(_cell(cell), style.small) for cell in entry.cells] for entry in entries]
    widths = [8, 16, 17, 22, 17, 24, 21, 18, 19, 12, 18]
    table = Table([header, *rows], colWidths=[_WIDTH * width / sum(widths) for width in widths], repeatRows=1)
    table.setStyle(_ROWS)
    return table


def _columns(left: Sequence[Fact], right: Sequence[Fact], style: _Styles) -> Table:
    half = _WIDTH / 2 - 2 * mm
    both = [_facts(facts, style.small, 26 * mm, half) if facts else "" for facts in (left, right)]
    table = Table([both], colWidths=[_WIDTH / 2, _WIDTH / 2])
    table.setStyle(_PLAIN)
    return table


def _facts(facts: Sequence[Fact], style: ParagraphStyle, name: float, width: float) -> Table:
    rows = []
    for fact in facts:
        source = f' <font color="#5b5b60">({_cell(fact.source)})</font>' if fact.source else ""
        rows.append(
            [
                Paragraph(f'<font color="#5b5b60">{_text(fact.name)}</font>', style),
                Paragraph(_cell(fact.value) + source, style),
            ]
        )
    table = Table(rows, colWidths=[name, width - name])
    table.setStyle(_PLAIN)
    return table


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
    canvas.setFont(_BOLD, size)
    edge = size / 14
    canvas.setFillColor(colors.black)
    for dx, dy in ((-edge, -edge), (-edge, edge), (edge, -edge), (edge, edge)):
        canvas.drawString(x + dx, y + dy, text)
    canvas.setFillColor(colors.white)
    canvas.drawString(x, y, text)


def _register_fonts() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        for name in (_FONT, _BOLD):
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
        pdfmetrics.registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_FONT, boldItalic=_BOLD)


def _cell(value: str) -> str:
    """Escape for a cell of a table, which must not be larger than a page."""
    return _text(value if len(value) <= _MOST_LETTERS else f"{value[:_MOST_LETTERS]}… (report.html has all of it)")


def _text(value: str) -> str:
    """Escape for a paragraph."""
    return escape(_printable(value), quote=False)


def _printable(value: str) -> str:
    """Put □ for each character that the font lacks."""
    glyphs = pdfmetrics.getFont(_FONT).face.charToGlyph
    return "".join(c if ord(c) in glyphs or c in "\n\t" else "□" for c in value)
