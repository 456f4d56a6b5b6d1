"""``report.pdf``: the same report for paper, A4, one page of summary first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Image,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from napari_lesion.model.assessed import Advice
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import readable_date
from napari_lesion.report import growth_plot
from napari_lesion.report.content import COLUMNS
from napari_lesion.report.html import adds, growth_note
from napari_lesion.report.measurements import HEADINGS
from napari_lesion.report.parts import Content, Fact, Group
from napari_lesion.report.parts import FindingEntry as Entry
from napari_lesion.report.pdf_layout import (
    DIM,
    FONT,
    GAP,
    MARGIN,
    PLANE,
    WIDTH,
    Planes,
    Styles,
    cell_of,
    printable,
    register_fonts,
    text_of,
)
from napari_lesion.report.wording import doubling, outcome
from napari_lesion.support.atomic import whole_file

FILE_NAME = "report.pdf"

_LINE = colors.HexColor("#c8c8cc")
_MOST_PICTURES = 6
"""In the summary."""
_MOST_WARNINGS = 6
"""In the summary; all of them follow it."""
_CAPTION = (
    "Volume with one standard deviation of measuring. Lung-RADS in brackets: what it would be if it applied. Score: "
    "how sure the model is; not a probability of malignancy."
)
_MEASURED = (
    "Lengths and areas in the plane that is named. Values of the scan's own voxels; SD: standard deviation of these "
    "voxels."
)


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
    register_fonts()
    style = Styles()
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
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=13 * mm,
            bottomMargin=16 * mm,
            title=content.title,
            author="napari-lesion",
            lang="en",
        )

        def footer(canvas: Canvas, _document: SimpleDocTemplate) -> None:
            canvas.setFont(FONT, 6.5)
            canvas.setFillColor(DIM)
            canvas.drawString(MARGIN, 9 * mm, printable(content.title)[:130])
            canvas.drawRightString(A4[0] - MARGIN, 9 * mm, f"page {canvas.getPageNumber()}")

        document.build(story, onFirstPage=footer, onLaterPages=footer)


def _summary(content: Content, style: Styles) -> list[Any]:
    story: list[Any] = [
        Paragraph(text_of(content.title), style.title),
        Paragraph(text_of(content.intended_use), style.use),
        Paragraph("Impression", style.heading),
        *(Paragraph(text_of(line), style.text, bulletText="•") for line in content.impression),
        Paragraph(text_of(content.result), style.lead),
        Spacer(1, 3),
        _columns(content.scan, (*content.certificate[:2], *content.model[:4]), style),
    ]
    if any(printable(fact.value) != fact.value for fact in content.scan):
        story.append(Paragraph("□ stands for a letter that this PDF's font lacks; report.html has it.", style.dim))
    story.append(Paragraph("The patient, as far as guidelines ask", style.heading))
    half = (len(content.patient) + 1) // 2
    story.append(_columns(content.patient[:half], content.patient[half:], style))
    for advice in content.exam:
        story.append(Paragraph(text_of(_headline(advice)), style.lead))
        story += [Paragraph(text_of(line), style.small) for line in (advice.advice, advice.why_not) if line]
    if content.top:
        story.append(
            Paragraph("Findings" if len(content.top) == len(content.entries) else _which(content), style.heading)
        )
        story += [Paragraph(_CAPTION, style.dim), Spacer(1, 2), _rows(content.top, style)]
    if shown := [entry for entry in content.top if entry.pictures][:_MOST_PICTURES]:
        side = min(42 * mm, (WIDTH + GAP) / len(shown) - GAP)
        says = [f"F{entry.number} · {entry.pictures[0].view}" for entry in shown]
        story += [Spacer(1, 8), Planes([entry.pictures[0] for entry in shown], side, says)]
    if content.warnings:
        story.append(Paragraph("To know before reading on", style.heading))
        story += [Paragraph(text_of(warning), style.note) for warning in content.warnings[:_MOST_WARNINGS]]
        if (more := len(content.warnings) - _MOST_WARNINGS) > 0:
            story.append(Paragraph(f"{more} more on the next page.", style.dim))
    return story


def _which(content: Content) -> str:
    return f"{len(content.top)} of {len(content.entries)} findings: what readers confirmed, then the largest"


def _table(content: Content, style: Styles) -> list[Any]:
    story: list[Any] = []
    if len(content.warnings) > _MOST_WARNINGS:
        story.append(Paragraph("All that is to know before reading on", style.heading))
        story += [Paragraph(text_of(warning), style.note) for warning in content.warnings]
    for advice in content.exam:
        if advice.trace or advice.missing:
            headline = f"How that was decided: {_headline(advice)}"
            story += [Paragraph(text_of(headline), style.heading), *_reasons(advice, style, also_advice=False)]
    if len(content.entries) > len(content.top):
        story += [Paragraph("All findings", style.heading), _rows(content.entries, style)]
    if content.rejected:
        story.append(Paragraph("Rejected by readers", style.heading))
        story += [Paragraph(text_of(line), style.small) for line in content.rejected]
    return story


def _measured(content: Content, style: Styles) -> list[Any]:
    if not content.measured:
        return []
    header = [Paragraph(f"<b>{text_of(name)}</b>", style.small) for name in HEADINGS]
    rows = [[Paragraph(cell_of(cell), style.small) for cell in row] for row in content.measured]
    widths = [8, 26, 70, 46, 26]
    table = Table([header, *rows], colWidths=[WIDTH * width / sum(widths) for width in widths], repeatRows=1)
    table.setStyle(_ROWS)
    notes = [Paragraph(text_of(note), style.dim) for note in content.measured_notes]
    return [Paragraph("Measured by hand", style.heading), Paragraph(_MEASURED, style.dim), Spacer(1, 2), table, *notes]


def _time(report: Report, content: Content, style: Styles) -> list[Any]:
    if not content.comparisons:
        return []
    story: list[Any] = [Paragraph("Over time", style.heading)]
    for comparison in content.comparisons:
        days = "" if comparison.days is None else f", {comparison.days} days before"
        says = f"Prior of {readable_date(comparison.prior_study_date)}{days}: {comparison.alignment.says}"
        story.append(Paragraph(text_of(says), style.text))
    growth_histories = growth_plot.growth_histories(report)
    if growth_histories:
        picture = growth_plot.growth_png(growth_histories[: growth_plot.MOST], dpi=200)
        story += [
            Image(io.BytesIO(picture), 140 * mm, 140 * mm * 3.2 / 6.6),
            Paragraph(growth_note(len(growth_histories)), style.dim),
        ]
    for when, change in content.gone:
        was = f", was {change.prior_diameter_mm:.1f} mm" if change.prior_diameter_mm else ""
        story.append(Paragraph(text_of(f"{when}: {change.fate}{was}. {change.why}"), style.item, bulletText="•"))
    return story


def _finding(entry: Entry, style: Styles, before: list[Any]) -> list[Any]:
    """Pictures with the change over time below them, numbers beside; what was reasoned over the whole width."""
    first, *others = entry.groups
    pictures: list[Any] = [Planes(entry.pictures, PLANE), Spacer(1, 2)] if entry.pictures else []
    left = 3 * PLANE + 2 * GAP if pictures else WIDTH / 2
    right = WIDTH - left - 3 * mm
    said = [Paragraph(cell_of(f"{group.title}: {_in_line(group.facts)}"), style.small) for group in others]
    for when, change in entry.changes:
        time = f", {doubling(change)}" if doubling(change) else ""
        says = f"<b>{text_of(f'Since {when}: {change.fate}{time}.')}</b> {cell_of(change.why)}"
        said.append(Paragraph(says, style.small))
    beside = Table([[[*pictures, *said], _group(first, style, right)]], colWidths=[left + 3 * mm, right], splitInRow=1)
    beside.setStyle(_PLAIN)
    reasons: list[Any] = [Paragraph(text_of(entry.reason), style.dim)] if entry.reason else []
    for advice in entry.advice:
        reasons += _judged(_headline(advice), _reasons(advice, style), style)
    reasons += _brock(entry, style)
    reasons += [Paragraph(text_of(line), style.item, bulletText="•") for line in entry.history]
    notes = [Paragraph(text_of(note), style.note) for note in entry.notes]
    return [KeepTogether([*before, Paragraph(text_of(entry.heading), style.heading), *notes, beside, *reasons])]


def _in_line(facts: Sequence[Fact]) -> str:
    return "; ".join(f"{fact.name[0].lower()}{fact.name[1:]} {fact.value}" for fact in facts) + "."


def _judged(headline: str, reasons: list[Any], style: Styles) -> list[Any]:
    return [Spacer(1, 2.5), Paragraph(f"<b>{text_of(headline)}</b>", style.small), *reasons]


def _group(group: Group, style: Styles, width: float) -> list[Any]:
    return [Paragraph(f"<b>{text_of(group.title)}</b>", style.small), _facts(group.facts, style.small, 22 * mm, width)]


def _brock(entry: Entry, style: Styles) -> list[Any]:
    brock = entry.brock
    if brock is None:
        return []
    why_not = [Paragraph(text_of(brock.why_not), style.small)] if brock.why_not else []
    story = _judged(f"{brock.model}: {outcome(brock)}", why_not, style)
    if brock.terms:
        terms = (
            f"{term.name}: {term.value}{f' ({term.source})' if term.source else ''} {adds(term)}"
            for term in brock.terms
        )
        story.append(Paragraph(text_of("Terms of the logit: " + "; ".join(terms) + "."), style.dim))
    story += [Paragraph(text_of(note), style.small) for note in brock.notes]
    if brock.missing:
        story.append(Paragraph(text_of(f"Not known: {', '.join(brock.missing)}."), style.dim))
    return story


def _made(report: Report, content: Content, style: Styles) -> list[Any]:
    versions = Fact("Versions", ", ".join(f"{fact.name} {fact.value}" for fact in content.made_by))
    analysed = Fact("Analysed", content.created)
    priors = (
        f"Prior of {readable_date(prior.prior_study_date)}: {prior.prior_series_uid}" for prior in content.comparisons
    )
    names = (f"This series: {report.series_uid}", *priors, *(entry.names for entry in content.entries))
    return [
        Paragraph("How this was made", style.heading),
        _facts((*content.certificate, *content.model, versions, analysed), style.small, 32 * mm, WIDTH),
        Paragraph("Names in DICOM", style.heading),
        *(Paragraph(text_of(name), style.uid) for name in names),
    ]


def _headline(advice: Advice) -> str:
    return f"{advice.guideline}: {outcome(advice)}"


def _reasons(advice: Advice, style: Styles, *, also_advice: bool = True) -> list[Any]:
    lines = (advice.advice, advice.why_not) if also_advice else ()
    story: list[Any] = [Paragraph(text_of(line), style.small) for line in lines if line]
    for number, step in enumerate(advice.trace, 1):
        source = f'<font color="#5b5b60">[{text_of(step.rests_on)}]</font>'
        story.append(Paragraph(f"{text_of(step.says)} {source}", style.item, bulletText=f"{number}."))
    if advice.missing:
        story.append(Paragraph(text_of(f"Not known, and needed to say more: {', '.join(advice.missing)}."), style.dim))
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


def _rows(entries: Sequence[Entry], style: Styles) -> Table:
    header = [Paragraph(f"<b>{text_of(name)}</b>", style.small) for name in COLUMNS]
    rows = [[Paragraph(cell_of(cell), style.small) for cell in entry.cells] for entry in entries]
    widths = [8, 16, 17, 22, 17, 24, 21, 18, 19, 12, 18]
    table = Table([header, *rows], colWidths=[WIDTH * width / sum(widths) for width in widths], repeatRows=1)
    table.setStyle(_ROWS)
    return table


def _columns(left: Sequence[Fact], right: Sequence[Fact], style: Styles) -> Table:
    half = WIDTH / 2 - 2 * mm
    both = [_facts(facts, style.small, 26 * mm, half) if facts else "" for facts in (left, right)]
    table = Table([both], colWidths=[WIDTH / 2, WIDTH / 2])
    table.setStyle(_PLAIN)
    return table


def _facts(facts: Sequence[Fact], style: ParagraphStyle, name: float, width: float) -> Table:
    rows = []
    for fact in facts:
        source = f' <font color="#5b5b60">({cell_of(fact.source)})</font>' if fact.source else ""
        rows.append(
            [
                Paragraph(f'<font color="#5b5b60">{text_of(fact.name)}</font>', style),
                Paragraph(cell_of(fact.value) + source, style),
            ]
        )
    table = Table(rows, colWidths=[name, width - name])
    table.setStyle(_PLAIN)
    return table
