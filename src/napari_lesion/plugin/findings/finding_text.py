"""What the card of a finding says, as rich text: numbers with their sources, advice with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from napari_lesion.assessment.measure.nodule import percent
from napari_lesion.model.assessed import Advice, Probability, Term
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.model.findings import Finding
from napari_lesion.model.measured import Looks, Measurement
from napari_lesion.model.volume import readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.widgets.fields import SOURCES

DIM = "#878d96"
"""Read on dark and on light ground."""
TextRow = tuple[str, str, str]
"""Name, value, and where the value comes from."""

_WORDS = {
    "solid": N_("solid"),
    "part-solid": N_("part-solid"),
    "non-solid": N_("non-solid"),
    "none": N_("none"),
    "partial": N_("partial"),
    "complete": N_("complete"),
    "unknown": N_("unknown"),
    "left": N_("left"),
    "right": N_("right"),
    "upper": N_("upper third"),
    "middle": N_("middle third"),
    "lower": N_("lower third"),
}
CHANGES = {
    "grown": N_("grown"),
    "stable": N_("stable"),
    "shrunk": N_("shrunk"),
    "new": N_("new"),
    "resolved": N_("resolved"),
    "not in view": N_("not in view"),
    "unclear": N_("unclear"),
}


def table(rows: Iterable[TextRow]) -> str:
    """Lay out names, values and sources."""
    cells = "".join(
        f"<tr><td style='padding-right:8px'>{escape(name)}</td>"
        f"<td style='padding-right:8px'><b>{escape(value)}</b></td><td style='color:{DIM}'>{escape(source)}</td></tr>"
        for name, value, source in rows
    )
    return f"<table cellspacing='0' cellpadding='1' width='100%'>{cells}</table>"


def dim(text: str) -> str:
    """Show something in passing."""
    return f"<span style='color:{DIM}'>{escape(text)}</span>"


def lines(texts: Iterable[str]) -> str:
    """Write sentences one below the other."""
    return "<br>".join(escape(text) for text in texts)


def measurement_rows(measured: Measurement) -> list[TextRow]:
    """Name every number of a measurement."""
    source = tr(SOURCES["measured"])
    m = measured
    volume = _volume(m.volume_mm3, m.volume_sd_mm3)
    rows: list[TextRow] = [
        (
            tr("Long × short axis"),
            tr(
                "{long} × {short} mm, mean {mean}",
                long=f"{m.long_axis.length_mm:.1f}",
                short=f"{m.short_axis.length_mm:.1f}",
                mean=f"{m.mean_diameter_mm:.1f}",
            ),
            source,
        ),
        (tr("Largest extent in 3D"), f"{m.diameter_3d_mm:.1f} mm", source),
        (tr("Volume"), volume, source),
        (tr("Type"), word(m.type), source),
    ]
    if m.solid_mean_diameter_mm:
        solid = f"{m.solid_mean_diameter_mm:.1f} mm"
        if m.solid_volume_mm3 is not None:
            solid += f", {_volume(m.solid_volume_mm3)}"
        rows.append((tr("Solid part"), solid, source))
    density = tr(
        "{mean} ± {sd} HU ({low} to {high})",
        mean=_hu(m.hu.mean),
        sd=f"{m.hu.sd:.0f}",
        low=_hu(m.hu.p05),
        high=_hu(m.hu.p95),
    )
    rows += [(tr("Density"), density, source), (tr("Mass"), f"{m.mass_mg:.0f} mg", source)]
    calcium = word(m.calcification)
    if m.calcified_fraction:
        calcium += f" ({100 * m.calcified_fraction:.0f} %)"
    rows.append((tr("Calcification"), calcium, source))
    if m.pleura_distance_mm is not None:
        touches = m.pleura_distance_mm == 0
        rows.append((tr("To the pleura"), tr("touches it") if touches else f"{m.pleura_distance_mm:.1f} mm", source))
    place = " ".join(word(one) for one in (m.side, m.zone) if one != "unknown") or word("unknown")
    return [*rows, (tr("Place"), m.lobe or place, source)]


def looks_rows(looks: Looks) -> list[TextRow]:
    """Name everything that is estimated of how a finding looks, each with its certainty."""

    def sure(certainty: float) -> str:
        return tr("estimated, {certainty} certain", certainty=percent(certainty))

    signs = (
        (tr("Spiculated"), looks.spiculated),
        (tr("Lobulated"), looks.lobulated),
        (tr("Ill-defined margin"), looks.ill_defined),
        (tr("Calcified"), looks.calcified),
    )
    suspicion = tr("{value} of 5", value=f"{looks.suspicion:.1f}")
    return [
        (tr("Type"), word(looks.type), sure(looks.type_certainty)),
        *((name, tr("yes") if sign.value else tr("no"), sure(sign.certainty)) for name, sign in signs),
        (tr("Readers' suspicion"), suspicion, tr("estimated")),
    ]


def measurement_notes(finding: Finding) -> str:
    """How it was measured, and what to know before trusting it."""
    measured = finding.measurement
    if measured is None:
        return ""
    method = tr("Outline: {method}", method=in_language(measured.method))
    return "<br>".join(
        [dim(one) for one in (method, in_language(measured.type_rule)) if one]
        + [lines((in_language(note),)) for note in measured.notes]
    )


def advice_line(advice: Advice, name: str) -> str:
    """Put what a guideline says in a line: category and advice, or why it has none."""
    if not advice.applies:
        said = tr("would be {category}", category=in_language(advice.would_be)) if advice.would_be else _none(advice)
        return f"<b>{escape(name)}</b>: {escape(said)}<br>{dim(in_language(advice.why_not))}"
    category = escape(in_language(advice.category))
    parts = [f"<b>{escape(name)}: {category}</b>" if category else f"<b>{escape(name)}</b>"]
    return "<br>".join([*parts, *([escape(in_language(advice.advice))] if advice.advice else [])])


def _none(judged: Advice | Probability) -> str:
    """Why there is no answer, in a word: it is not known, or not for this case."""
    return tr("not known") if judged.is_unknown else tr("does not apply")


def trace_html(advice: Advice) -> str:
    """List the steps of a decision, each with what it rests on, and what is missing."""
    steps = "".join(
        f"<li style='margin-bottom:3px'>{escape(in_language(step.says))} {dim(in_language(step.rests_on))}</li>"
        for step in advice.trace
    )
    return (f"<ol style='margin-left:-20px'>{steps}</ol>" if steps else "") + missing_line(advice.missing)


def missing_line(missing: Sequence[str]) -> str:
    """Describe what would have to be known."""
    return escape(tr("To say more, enter: {what}.", what=", ".join(map(in_language, missing)))) if missing else ""


def probability_line(probability: Probability, name: str) -> str:
    """Put a probability, or why there is none, in a line."""
    if not probability.applies or probability.low is None or probability.high is None:
        return f"<b>{escape(name)}</b>: {escape(_none(probability))}<br>{dim(in_language(probability.why_not))}"
    return f"<b>{escape(name)}: {per_cent(probability.low, probability.high)}</b>"


def per_cent(low: float, high: float) -> str:
    """Write a probability, or the range that it lies in."""
    texts = [f"{100 * value:.1f}" for value in (low, high)]
    return f"{texts[0]} %" if texts[0] == texts[1] else tr("{low} to {high} %", low=texts[0], high=texts[1])


def terms_html(probability: Probability) -> str:
    """List what each term of a model adds, with a bar for how much: of one colour where it adds, of another if not."""
    if not probability.terms:
        return "<br>".join(
            filter(None, (lines(map(in_language, probability.notes)), missing_line(probability.missing)))
        )
    asked = [term for term in probability.terms if term.source is not None or term.low != term.high]
    span = max((abs(value) for term in asked for value in (term.low, term.high)), default=0.0) or 1.0
    rows = "".join(_term_row(term, span) for term in probability.terms)
    head = dim(tr("What each term adds to the sum (logit):"))
    notes = lines(map(in_language, probability.notes))
    return f"{head}<table cellspacing='0' cellpadding='1' width='100%'>{rows}</table>" + "<br>".join(
        filter(None, (notes, missing_line(probability.missing)))
    )


def change_rows(change: Change, comparison: Comparison) -> list[TextRow]:
    """Describe what became of a finding since a prior."""
    date = readable_date(comparison.prior_study_date) or tr("an earlier scan")
    days = tr("{count} days", count=comparison.days) if comparison.days is not None else tr("unknown time")
    source = tr(SOURCES["measured"])
    rows: list[TextRow] = [(tr("Since {date}", date=date), tr(CHANGES[change.fate]), days)]
    if change.prior_diameter_mm is not None and change.diameter_mm is not None:
        rows.append((tr("Mean diameter"), f"{change.prior_diameter_mm:.1f} → {change.diameter_mm:.1f} mm", source))
    if change.prior_volume_mm3 is not None and change.volume_mm3 is not None:
        volumes = f"{change.prior_volume_mm3:.0f} → {change.volume_mm3:.0f} mm³"
        if change.volume_change is not None:
            volumes += f" ({100 * change.volume_change:+z.0f} %)".replace("-", "−")
        rows.append((tr("Volume"), volumes, source))
    if change.doubling_days is not None:
        name = tr("Volume doubling time") if change.doubling_days > 0 else tr("Volume halving time")
        interval = tr(
            "95 %: {low} to {high}", low=_days(change.doubling_low_days), high=_days(change.doubling_high_days)
        )
        rows.append((name, tr("{count} days", count=f"{abs(change.doubling_days):.0f}"), interval))
    return rows


def _term_row(term: Term, span: float) -> str:
    source = tr(SOURCES[term.source]) if term.source is not None else ""
    low, high = (f"{value:+.2f}".replace("-", "−") for value in (term.low, term.high))
    adds = low if low == high else f"{low} … {high}"
    strongest = max(term.low, term.high, key=abs)
    bar = "▮" * min(round(5 * abs(strongest) / span), 5)
    color = DIM if low != high else "#e2a03f" if strongest > 0 else "#4f9fd9"
    return (
        f"<tr><td width='27%'>{escape(term.name)}</td><td width='38%'>{escape(term.value)} {dim(source)}</td>"
        f"<td width='22%' align='right'>{adds}</td><td width='13%' style='color:{color}'>&nbsp;{bar}</td></tr>"
    )


def word(said: str) -> str:
    """Phrase a type, a side, a zone or another word of a measurement in the user's language."""
    return tr(_WORDS.get(said, said))


def _volume(mm3: float, sd: float | None = None) -> str:
    return f"{mm3:.0f} mm³" if sd is None else f"{mm3:.0f} ± {sd:.0f} mm³"


def _hu(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")


def _days(value: float | None) -> str:
    return "∞" if value is None else f"{value:.0f}".replace("-", "−")
