"""Made radiology reports with known truth: templates written by hand, in many styles and three languages.

Written apart from the rules of `napari_lesion.records`, of which nothing is imported. While the rules were written, these
reports were looked at; those of `adversarial_reports` were written after the rules were frozen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Truth:
    """What a report says."""

    nodules: list[dict[str, str]] = field(default_factory=list)
    """Each: size_mm, earlier_size_mm, place, type, calcified, count, change."""
    none: bool = False
    """It says that there is no nodule."""
    advice: set[str] = field(default_factory=set)
    category: str = ""
    patient: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """A text, and what it says."""

    name: str
    language: str
    text: str
    truth: Truth


PLACES = {
    "en": {
        "right upper": ["right upper lobe", "RUL", "upper lobe of the right lung", "Rt upper lobe", "right-upper lobe"],
        "right middle": ["right middle lobe", "RML", "middle lobe"],
        "right lower": [
            "right lower lobe",
            "RLL",
            "lower lobe of the right lung",
            "superior segment of the right lower lobe",
        ],
        "left upper": ["left upper lobe", "LUL", "lingula", "apicoposterior left upper lobe"],
        "left lower": [
            "left lower lobe",
            "LLL",
            "lower lobe on the left",
            "lateral basal segment of the left lower lobe",
        ],
    },
    "de": {
        "right upper": [
            "rechten Oberlappen",
            "Oberlappen rechts",
            "OL re.",
            "apikalen Oberlappen rechts",
            "rechten OL",
        ],
        "right middle": ["Mittellappen", "ML", "rechten Mittellappen"],
        "right lower": ["rechten Unterlappen", "Unterlappen rechts", "UL re.", "posterobasalen Unterlappen rechts"],
        "left upper": ["linken Oberlappen", "Oberlappen links", "OL li.", "Lingula"],
        "left lower": ["linken Unterlappen", "Unterlappen links", "UL li.", "linken UL"],
    },
    "zh": {
        "right upper": ["右肺上叶", "右上肺", "右肺上叶尖段", "右上叶"],
        "right middle": ["右肺中叶", "右中叶", "右肺中叶外侧段"],
        "right lower": ["右肺下叶", "右下肺", "右肺下叶背段", "右下叶"],
        "left upper": ["左肺上叶", "左上肺", "左肺上叶舌段", "左上叶"],
        "left lower": ["左肺下叶", "左下肺", "左下叶", "左肺下叶后基底段"],
    },
}
TYPES = {
    "en": {
        "solid": ["solid"],
        "part-solid": ["part-solid", "partly solid", "mixed ground-glass"],
        "non-solid": ["ground-glass", "pure ground glass", "non-solid"],
    },
    "de": {
        "solid": ["solider"],
        "part-solid": ["teilsolider", "part-solider"],
        "non-solid": ["nicht solider", "rein milchglasartiger"],
    },
    "zh": {"solid": ["实性"], "part-solid": ["部分实性", "混合磨玻璃"], "non-solid": ["磨玻璃", "纯磨玻璃"]},
}


def mm(value: float, rng: random.Random, language: str) -> str:
    """Write a length."""
    style = rng.randrange(4)
    if style == 0:
        text = f"{value / 10:.1f} cm"
    elif style == 1 and language != "zh":
        text = f"{value:g}mm" if language == "de" else f"{value:g} mm"
    else:
        text = f"{value:g} mm" if language != "zh" else rng.choice([f"{value:g}mm", f"{value:g}毫米"])
    return text.replace(".", ",") if language == "de" else text


def size(rng: random.Random, language: str) -> tuple[str, str]:
    """Make a size as it is written, and as a table has it."""
    first = float(rng.randint(3, 24))
    dimensions = rng.choice([1, 1, 1, 2, 2, 3])
    if dimensions == 1:
        return mm(first, rng, language), f"{first:g}"
    rest = [max(2.0, first - rng.randint(1, 3)) for _ in range(dimensions - 1)]
    numbers = [first, *rest]
    cross = rng.choice([" x ", "x", " × "]) if language != "zh" else rng.choice(["×", "x", "*"])
    if rng.random() < 0.3:
        shown = cross.join(f"{one / 10:.1f}" for one in numbers) + (" cm" if language != "zh" else "cm")
    elif rng.random() < 0.2 and language != "zh":
        shown = cross.join(f"{one:g} mm" for one in numbers)
    else:
        shown = cross.join(f"{one:g}" for one in numbers) + (" mm" if language != "zh" else "mm")
    return (shown.replace(".", ",") if language == "de" else shown), " x ".join(f"{one:g}" for one in numbers)


class Slots:
    """Draws what stands in a template, and keeps its truth."""

    def __init__(self, language: str, rng: random.Random) -> None:
        self.language, self.rng = language, rng
        self.drawn: dict[str, str] = {}
        self.lobes: list[str] = []

    def __call__(self, name: str) -> str:
        """Draw a slot: s1 a size, e1 an earlier one, p1 a place, t1 a type, m1 months."""
        kind = name[0]
        if kind in "se":
            shown, value = size(self.rng, self.language)
        elif kind == "p":
            lobe = self.rng.choice([one for one in PLACES[self.language] if one not in self.lobes])
            self.lobes.append(lobe)
            shown, value = self.rng.choice(PLACES[self.language][lobe]), lobe
        elif kind == "t":
            value = self.rng.choice(list(TYPES[self.language]))
            shown = self.rng.choice(TYPES[self.language][value])
        else:
            low = self.rng.choice([3, 6, 12])
            high = self.rng.choice([low, low, {3: 6, 6: 12, 12: 18}[low]])
            value = f"{low}" if low == high else f"{low}-{high}"
            shown = value
        self.drawn[name] = value
        return shown


Template = tuple[str, Callable[[dict[str, str]], Truth]]


def _n(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


TEMPLATES: dict[str, list[Template]] = {
    "en": [
        (
            "CT CHEST WITHOUT CONTRAST\nTechnique: 1 mm axial reconstructions.\nFindings: There is a {s1} {t1} nodule in the {p1}. No pleural effusion. Heart size is normal.\nImpression: {t1=} nodule in the {p1=}. Recommend follow-up CT in {m1} months.",
            lambda d: Truth([_n(size_mm=d["s1"], type=d["t1"], place=d["p1"])], advice={f"CT {d['m1']}"}),
        ),
        (
            "{p1} nodule {s1}, prev {e1}. {p2} nodule {s2}, stable. No adenopathy.",
            lambda d: Truth(
                [
                    _n(size_mm=d["s1"], earlier_size_mm=d["e1"], place=d["p1"]),
                    _n(size_mm=d["s2"], place=d["p2"], change="stable"),
                ]
            ),
        ),
        (
            "The previously described {t1} nodule in the {p1} has increased in size and now measures {s1} (previously {e1}). A new {s2} nodule is seen in the {p2}. PET/CT is recommended.",
            lambda d: Truth(
                [
                    _n(size_mm=d["s1"], earlier_size_mm=d["e1"], type=d["t1"], place=d["p1"], change="grown"),
                    _n(size_mm=d["s2"], place=d["p2"], change="new"),
                ],
                advice={"PET-CT"},
            ),
        ),
        (
            "LUNGS: No pulmonary nodules or masses. No consolidation.\nLIVER: {s1} cyst in segment 7, unchanged.\nTHYROID: {s2} nodule in the left lobe.\nIMPRESSION: No suspicious pulmonary nodule. No follow-up needed.",
            lambda d: Truth([], none=True, advice={"none"}),
        ),
        (
            "INDICATION: 63-year-old former smoker, 40 pack-years, lung cancer screening.\nFINDINGS:\nNodule 1:\n  Location: {p1}\n  Size: {s1}\n  Type: {t1}\n  Change: unchanged\nNodule 2:\n  Location: {p2}\n  Size: {s2}\n  Type: {t2}\n  Change: new\nIMPRESSION: Lung-RADS 3. 6 month low-dose CT recommended.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], size_mm=d["s1"], type=d["t1"], change="stable"),
                    _n(place=d["p2"], size_mm=d["s2"], type=d["t2"], change="new"),
                ],
                advice={"CT 6"},
                category="3",
                patient={"smoking": "former", "pack_years": "40", "context": "screening"},
            ),
        ),
        (
            "Multiple bilateral pulmonary nodules, the largest in the {p1} measuring {s1}. Moderate centrilobular emphysema. Consider biopsy.",
            lambda d: Truth(
                [_n(count="multiple", place=d["p1"], size_mm=d["s1"])], advice={"biopsy"}, patient={"emphysema": "yes"}
            ),
        ),
        (
            "There is a calcified granuloma in the {p1} ({s1}). Otherwise clear lungs. No new or enlarging nodules. Slice thickness 2.5 mm.",
            lambda d: Truth([_n(calcified="yes", place=d["p1"], size_mm=d["s1"])]),
        ),
        (
            "A nodule in the {p1} has resolved. Within the {p2}, a {t1} nodule measuring {s1} is stable compared to the prior exam. Continue annual screening with LDCT.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], change="resolved"),
                    _n(place=d["p2"], type=d["t1"], size_mm=d["s1"], change="stable"),
                ],
                advice={"CT 12"},
            ),
        ),
        (
            "Clinical history: history of breast cancer. Known lung nodule.\nComparison: CT of 12.03.2021.\nFindings: Two nodules: one in the {p1} of {s1} and one in the {p2} of {s2}. Both are unchanged. 3 mm from the pleura.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], size_mm=d["s1"], change="stable"),
                    _n(place=d["p2"], size_mm=d["s2"], change="stable"),
                ],
                patient={"prior_cancer": "yes"},
            ),
        ),
        (
            "Noncalcified nodul of {s1} in {p1}, unchangd. No efusion. f/u CT {m1} months.",
            lambda d: Truth(
                [_n(size_mm=d["s1"], place=d["p1"], calcified="no", change="stable")], advice={f"CT {d['m1']}"}
            ),
        ),
        (
            "{p1}: {s1} {t1} nodule, increased from {e1}.\n{p2}: {s2} nodule, decreased.\nThe lungs are otherwise clear.\nThere is a {s3} renal lesion, likely a cyst.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], size_mm=d["s1"], type=d["t1"], earlier_size_mm=d["e1"], change="grown"),
                    _n(place=d["p2"], size_mm=d["s2"], change="shrunk"),
                ]
            ),
        ),
    ],
    "de": [
        (
            "Technik: Schichtdicke 1 mm.\nBefund: Im {p1} zeigt sich ein {s1} großer {t1} Rundherd. Kein Pleuraerguss. Keine vergrößerten Lymphknoten.\nBeurteilung: {t1=} Rundherd im {p1=}. CT-Kontrolle in {m1} Monaten empfohlen.",
            lambda d: Truth([_n(size_mm=d["s1"], type=d["t1"], place=d["p1"])], advice={f"CT {d['m1']}"}),
        ),
        (
            "{p1}: Rundherd {s1} (VU {e1}), größenprogredient. {p2}: Rundherd {s2}, unverändert.",
            lambda d: Truth(
                [
                    _n(size_mm=d["s1"], earlier_size_mm=d["e1"], place=d["p1"], change="grown"),
                    _n(size_mm=d["s2"], place=d["p2"], change="stable"),
                ]
            ),
        ),
        (
            "Kein Rundherd, kein Infiltrat, kein Erguss. Leberzyste im Segment 7 von {s1}. Schilddrüsenknoten links {s2}. Keine weitere Kontrolle erforderlich.",
            lambda d: Truth([], none=True, advice={"none"}),
        ),
        (
            "Vorbekannter Rundherd im {p1}, jetzt {s1}, vorher {e1}. Neu aufgetretener {t1} Rundherd von {s2} im {p2}. PET-CT empfohlen.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], size_mm=d["s1"], earlier_size_mm=d["e1"]),
                    _n(type=d["t1"], size_mm=d["s2"], place=d["p2"], change="new"),
                ],
                advice={"PET-CT"},
            ),
        ),
        (
            "Klinische Angaben: Ex-Raucher, 35 PY, Z.n. Mammakarzinom.\nBefund: Mehrere Rundherde beidseits, der größte im {p1} mit {s1}. Emphysem.\nBeurteilung: Histologische Sicherung empfohlen.",
            lambda d: Truth(
                [_n(count="multiple", place=d["p1"], size_mm=d["s1"])],
                advice={"biopsy"},
                patient={"smoking": "former", "pack_years": "35", "prior_cancer": "yes", "emphysema": "yes"},
            ),
        ),
        (
            "Verkalkter Rundherd von {s1} im {p1}. Keine neuen Rundherde. Kein Emphysem.",
            lambda d: Truth([_n(calcified="yes", size_mm=d["s1"], place=d["p1"])], patient={"emphysema": "no"}),
        ),
        (
            "Rundherd 1\n- Lage: {p1}\n- Größe: {s1}\n- Dichte: solide\n- Verlauf: konstant\nRundherd 2\n- Lage: {p2}\n- Größe: {s2}\n- Dichte: Milchglas\n- Verlauf: neu\nLung-RADS 4A. LDCT in 3 Monaten empfohlen.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], size_mm=d["s1"], type="solid", change="stable"),
                    _n(place=d["p2"], size_mm=d["s2"], type="non-solid", change="new"),
                ],
                advice={"CT 3"},
                category="4A",
            ),
        ),
        (
            "Der im {p1} gelegene Rundherd ist nicht mehr abgrenzbar. Im {p2} unveränderter Milchglasherd mit {s1}. Verlaufskontrolle in einem Jahr.",
            lambda d: Truth(
                [
                    _n(place=d["p1"], change="resolved"),
                    _n(place=d["p2"], type="non-solid", size_mm=d["s1"], change="stable"),
                ],
                advice={"CT 12"},
            ),
        ),
        (
            "Zwei solide Rundherde: {p1} ({s1}) und {p2} ({s2}), beide größenkonstant. Abstand zur Pleura 5 mm.",
            lambda d: Truth(
                [
                    _n(type="solid", place=d["p1"], size_mm=d["s1"], change="stable"),
                    _n(type="solid", place=d["p2"], size_mm=d["s2"], change="stable"),
                ]
            ),
        ),
        (
            "unverkalkter Rundhed {p1} {s1}, unveränder. Kontrolle in {m1} Mon. empf.",
            lambda d: Truth(
                [_n(calcified="no", place=d["p1"], size_mm=d["s1"], change="stable")], advice={f"CT {d['m1']}"}
            ),
        ),
        (
            "Teilsolider Herd im {p1}, Gesamtgröße {s1}, solider Anteil 3 mm. Zystische Nierenläsion re. 18 mm.",
            lambda d: Truth([_n(type="part-solid", place=d["p1"], size_mm=d["s1"])]),
        ),
    ],
    "zh": [
        (
            "检查方法：层厚1mm平扫。\n影像所见：{p1}见{t1}结节，大小约{s1}，边界清。双侧胸腔未见积液。\n诊断意见：{p1=}{t1=}结节，建议{m1}个月后复查CT。",
            lambda d: Truth([_n(size_mm=d["s1"], type=d["t1"], place=d["p1"])], advice={f"CT {d['m1']}"}),
        ),
        (
            "{p1}结节较前增大，现约{s1}（原{e1}）；{p2}新发结节，直径约{s2}。建议PET-CT检查。",
            lambda d: Truth(
                [
                    _n(place=d["p1"], size_mm=d["s1"], earlier_size_mm=d["e1"], change="grown"),
                    _n(place=d["p2"], size_mm=d["s2"], change="new"),
                ],
                advice={"PET-CT"},
            ),
        ),
        (
            "双肺未见明显结节及肿块影。肝右叶囊肿，直径约{s1}。甲状腺左叶结节，大小约{s2}。",
            lambda d: Truth([], none=True),
        ),
        (
            "双肺多发结节，较大者位于{p1}，约{s1}。双肺肺气肿。建议穿刺活检。",
            lambda d: Truth(
                [_n(count="multiple", place=d["p1"], size_mm=d["s1"])], advice={"biopsy"}, patient={"emphysema": "yes"}
            ),
        ),
        (
            "{p1}钙化结节，直径约{s1}，无需随访。",
            lambda d: Truth([_n(calcified="yes", place=d["p1"], size_mm=d["s1"])], advice={"none"}),
        ),
        (
            "临床病史：乳腺癌术后，已戒烟。\n所见：{p1}{t1}结节，约{s1}，与前片相比未见明显变化。{p2}原结节已消失。\n印象：年度复查。",
            lambda d: Truth(
                [
                    _n(place=d["p1"], type=d["t1"], size_mm=d["s1"], change="stable"),
                    _n(place=d["p2"], change="resolved"),
                ],
                advice={"CT 12"},
                patient={"prior_cancer": "yes", "smoking": "former"},
            ),
        ),
        (
            "1.{p1}实性结节（{s1}），较前相仿。\n2.{p2}磨玻璃结节（{s2}），较前缩小。\n3.右肾囊肿（20mm）。\n随访，6个月复查。",
            lambda d: Truth(
                [
                    _n(place=d["p1"], type="solid", size_mm=d["s1"], change="stable"),
                    _n(place=d["p2"], type="non-solid", size_mm=d["s2"], change="shrunk"),
                ],
                advice={"CT 6"},
            ),
        ),
        (
            "{p1}见一枚{t1}结节影，长径{s1}，{p2}见{t2}结节影，长径{s2}。纵隔未见肿大淋巴结。Lung-RADS 3类。",
            lambda d: Truth(
                [
                    _n(place=d["p1"], type=d["t1"], size_mm=d["s1"], count="1"),
                    _n(place=d["p2"], type=d["t2"], size_mm=d["s2"]),
                ],
                category="3",
            ),
        ),
        (
            "未见新发结节。{p1}{t1}结节同前，大小{s1}。",
            lambda d: Truth([_n(place=d["p1"], type=d["t1"], size_mm=d["s1"], change="stable")]),
        ),
    ],
}


def fill(template: str, language: str, rng: random.Random) -> tuple[str, dict[str, str]]:
    """Fill a template; ``{p1=}`` repeats what ``{p1}`` was written as."""
    slots, shown = Slots(language, rng), dict[str, str]()

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name not in shown:
            shown[name] = slots(name)
        return shown[name]

    text = re.sub(r"\{(\w+)=?\}", put, template)
    return text, slots.drawn


def made_reports(each: int = 12, seed: int = 17) -> list[Report]:
    """Make the reports: so many of each template."""
    rng = random.Random(seed)
    reports = []
    for language, templates in TEMPLATES.items():
        for number, (template, truth) in enumerate(templates):
            for copy in range(each):
                text, drawn = fill(template, language, rng)
                reports.append(Report(f"{language}-{number}-{copy}", language, text, truth(drawn)))
    return reports
