"""Reports written after the rules were frozen, to break them: what real reports contain that templates do not.

Each with its truth, by hand. Places are lobes; what is history, of another organ, or denied must not be found.
"""

from __future__ import annotations

from made_reports import Report, Truth

_N = dict[str, str]


def n(size: str = "", place: str = "", **more: str) -> _N:
    """Make the truth of a nodule."""
    given = {"size_mm": size, "place": place, "earlier_size_mm": more.pop("was", ""), **more}
    return {name: value for name, value in given.items() if value}


def t(*nodules: _N, none: bool = False, advice: str = "", category: str = "", **patient: str) -> Truth:
    """Make the truth of a report; several pieces of advice are divided by semicolons."""
    return Truth(list(nodules), none, {one for one in advice.split("; ") if one}, category, patient)


ENGLISH: list[tuple[str, Truth]] = [
    ("4 x 3 mm nodule in series 3 image 45 (previously 3 x 3 mm).", t(n("4 x 3", was="3 x 3"))),
    ("No new or enlarging nodule.", t()),
    ("Status post RUL lobectomy. Surgical clips at the right hilum. No evidence of recurrence.", t()),
    ("1.2 cm hepatic cyst. Lungs are clear.", t()),
    ("Previously seen 6 mm RML nodule is no longer identified. Stable 4 mm LLL nodule (series 4, image 212).",
     t(n("6", "right middle", change="resolved"), n("4", "left lower", change="stable"))),
    ("Interval growth of the spiculated left upper lobe mass, now 31 x 27 mm versus 24 x 20 mm on 11/2/2022.",
     t(n("31 x 27", "left upper", was="24 x 20", change="grown"))),
    ("Lungs: Scattered calcified granulomata. No noncalcified nodule. Airways patent.", t(n(calcified="yes", count="multiple"))),
    ("Two 3-mm solid nodules in the right lower lobe are unchanged dating back to 2019 and benign.",
     t(n("3", "right lower", type="solid", count="2", change="stable"))),
    ("There is a 0.6 x 0.5 cm part-solid nodule (3:87) within the anterior segment of the LUL with a 2 mm solid component.",
     t(n("6 x 5", "left upper", type="part-solid"))),
    ("No pleural effusion or pneumothorax. 5 mm subpleural nodule, right lower lobe, new since prior.",
     t(n("5", "right lower", change="new"))),
    ("8 mm left thyroid nodule. Recommend thyroid ultrasound. Lungs show no nodule.", t(none=True)),
    ("Sclerotic lesion in T8, 9 mm, unchanged. 4 mm nodule along the minor fissure.", t(n("4"))),
    ("Ground glass nodule RUL measuring up to 1.1 cm; consider repeat CT in 6 to 12 months to confirm persistence, then every 2 years until 5 years.",
     t(n("<=11", "right upper", type="non-solid"), advice="CT 6-12; CT 24")),
    ("FINDINGS:\nRight upper lobe: No nodule.\nRight middle lobe: 5 mm nodule.\nRight lower lobe: Clear.\nLeft upper lobe: 7 mm ground-glass nodule, unchanged.\nLeft lower lobe: No nodule.",
     t(n("5", "right middle"), n("7", "left upper", type="non-solid", change="stable"))),
    ("IMPRESSION:\n1. 7 mm RLL nodule, increased from 5 mm. PET/CT or tissue sampling should be considered.\n2. Coronary calcifications.\n3. 2.1 cm left adrenal adenoma.",
     t(n("7", "right lower", was="5", change="grown"), advice="PET-CT; biopsy")),
    ("Right apical pleuroparenchymal scarring. Tiny (2 mm) nodule left lung base. No follow-up per Fleischner if low risk; optional CT at 12 months if high risk.",
     t(n("2", "left"), advice="none; CT 12")),
    ("Patient is a 71 y/o male, current smoker (55 pk-yrs), with h/o colon cancer. CT shows a 14mm cavitary nodule in the RLL. Biopsy recommended.",
     t(n("14", "right lower"), advice="biopsy", smoking="current", pack_years="55", prior_cancer="yes")),
    ("The nodule described on the outside chest radiograph corresponds to a healed rib fracture. No lung nodule.", t(none=True)),
    ("Stable postsurgical changes. 3 mm nodule adjacent to the suture line in the residual left upper lobe, stable. Family history of lung cancer.",
     t(n("3", "left upper", change="stable"), family_history="yes")),
    ("COMPARISON: Chest CT 3/14/2020, at which time a 5 mm RUL nodule was described.\nFINDINGS: The right upper lobe nodule now measures 8 mm.",
     t(n("8", "right upper"))),
    ("Nodule, RUL, 5mm, solid, non calc. Nodule, LUL, 9mm, GG. Emphysema: severe.",
     t(n("5", "right upper", type="solid", calcified="no"), n("9", "left upper", type="non-solid"), emphysema="yes")),
    ("Lung-RADS category 4B. Dominant 17 x 15 mm solid nodule in the RUL. Smaller nodules elsewhere measure up to 5 mm.",
     t(n("17 x 15", "right upper", type="solid"), n("<=5", count=""), category="4B")),
    ("A tiny perifissural nodule along the left major fissure is likely an intrapulmonary lymph node and requires no follow-up.",
     t(n(), advice="none")),
    ("Diffuse bronchial wall thickening. Images reviewed at 1 mm and 5 mm. No focal consolidation, mass, or nodule.", t(none=True)),
    ("Unchanged 4 mm nodules in the right upper and left lower lobes.", t(n("4", "right upper", change="stable"), n("4", "left lower", change="stable"))),
    ("The 11 mm RUL nodule seen on PET-CT of 2/2023 has decreased to 6 mm following antibiotics, consistent with infection.",
     t(n("6", "right upper", was="11", change="shrunk"))),
    ("rul nodul 6mm prev 4mm. rec ct 3 mo", t(n("6", "right upper", was="4"), advice="CT 3")),
    ("Cystic lesion in the pancreatic tail, 15 mm. Simple renal cysts. A 4-mm right lower lobe pulmonary nodule is incompletely imaged on this abdominal CT.",
     t(n("4", "right lower"))),
    ("Pulmonary nodules: none. Mediastinum: 9 mm subcarinal node. Denies smoking.", t(none=True)),
    ("Solid nodule, 6 mm (average diameter), right lower lobe, volume 113 mm³; VDT 420 days.", t(n("6", "right lower", type="solid"))),
    ("Hamartoma in the lingula, 18 mm with popcorn calcification, stable for 10 years.", t(n("18", "left upper", calcified="yes", change="stable"))),
    ("Never smoker. No emphysema. Nodular thickening of the right minor fissure. No discrete nodule.", t(none=True, smoking="never", emphysema="no")),
    ("Nodule in LLL: 9 mm --> 6 mm. Nodule in RML: 4 mm --> 4 mm.", t(n("6", "left lower", was="9"), n("4", "right middle", was="4"))),
    ("There are at least three nodules in the right lung, the largest of which is located in the middle lobe and measures 9 mm in long axis.",
     t(n("9", "right middle", count="3"))),
    ("Query 3 mm nodule at the left base versus atelectasis.", t(n("3", "left"))),
]
GERMAN: list[tuple[str, Truth]] = [
    ("Bekannter RH im OL re. (S3) von 5 auf 7 mm größenprogredient.", t(n("7", "right upper", was="5", change="grown"))),
    ("Z.n. Oberlappenresektion rechts. Kein Rezidiv.", t()),
    ("Bek. Leberhämangiom 12 mm. Keine pulmonalen Rundherde.", t(none=True)),
    ("Keine neu aufgetretenen oder größenprogredienten Rundherde.", t()),
    ("Größenkonstanter, 4 mm messender, subpleural gelegener Rundherd im lateralen Unterlappen links (Serie 4, Bild 212).",
     t(n("4", "left lower", change="stable"))),
    ("Im Vergleich zur Voruntersuchung vom 03.05.2022 Größenzunahme der Raumforderung im linken Oberlappen von 24 x 20 mm auf 31 x 27 mm.",
     t(n("31 x 27", "left upper", was="24 x 20", change="grown"))),
    ("Mehrere verkalkte Granulome. Sonst kein Nachweis von Rundherden.", t(n(calcified="yes", count="multiple"))),
    ("Part-solider Nodulus im anterioren Oberlappensegment links, 0,9 x 0,8 cm, mit 3 mm solidem Anteil.", t(n("9 x 8", "left upper", type="part-solid"))),
    ("Kein Pleuraerguss, kein Pneumothorax. Neuer 5 mm Herd im rechten Unterlappen.", t(n("5", "right lower", change="new"))),
    ("Hypodense Raumforderung der linken Niere, 22 mm. Lunge ohne Rundherde.", t(none=True)),
    ("BEFUND\nOberlappen rechts: kein Rundherd\nMittellappen: 5 mm Rundherd\nUnterlappen links: Milchglasherd 7 mm, unverändert",
     t(n("5", "right middle"), n("7", "left lower", type="non-solid", change="stable"))),
    ("Rundherd RUL 6 mm, idem zur VU.", t(n("6", "right", change="stable"))),
    ("65-jähriger Raucher mit 45 py, Z. n. Kolonkarzinom 2015. Neu 14 mm großer Rundherd li. UL, suspekt. CT-gesteuerte Biopsie empfohlen.",
     t(n("14", "left lower", change="new"), advice="biopsy", smoking="current", pack_years="45", prior_cancer="yes")),
    ("Der im Röntgen beschriebene Rundherd entspricht der Mamille. Kein intrapulmonaler Rundherd.", t(none=True)),
    ("Milchglasnodulus im rechten OL bis 11 mm, Kontroll-CT in 6-12 Monaten, danach alle 2 Jahre.", t(n("<=11", "right upper", type="non-solid"), advice="CT 6-12; CT 24")),
    ("Drei nicht verkalkte Rundherde im rechten Unterlappen, max. 6 mm.", t(n("<=6", "right lower", calcified="no", count="3"))),
    ("Rundherd Mittellappen aktuell 8 mm (2021: 6 mm; 2019: 5 mm).", t(n("8", "right middle", was="6"))),
    ("Im Rahmen der Lungenkrebsfrüherkennung: Lung-RADS 2. Nächstes LDCT in 12 Monaten.", t(advice="CT 12", category="2", context="screening")),
    ("Rückläufiger Rundherd UL re., jetzt 5 mm, vormals 9 mm, a.e. entzündlich.", t(n("5", "right lower", was="9", change="shrunk"))),
    ("Solider Lungenrundherd im apikalen Oberlappensegment rechts mit einer Größe von 7 mal 6 mm. Keine Verkalkung. Kein Milchglasanteil.",
     t(n("7 x 6", "right upper", type="solid", calcified="no"))),
    ("V.a. 3 mm Rundherd links basal, DD Gefäßanschnitt.", t(n("3", "left"))),
    ("Unveränderte 4 mm Rundherde im rechten OL und linken UL.", t(n("4", "right upper", change="stable"), n("4", "left lower", change="stable"))),
    ("Nie-Raucherin. Kein Emphysem. Lungen frei.", t(smoking="never", emphysema="no")),
    ("Die vorbeschriebenen Rundherde sind vollständig regredient.", t(n(change="resolved"))),
    ("Rundherd dorsobasal im rechten Unterlappen (Voraufnahme 4mm, heute 6mm). PET-CT bei weiterer Größenzunahme erwägen.",
     t(n("6", "right lower", was="4"), advice="PET-CT")),
    ("Nebennierenadenom links 21 mm. Einzelner solider Herd im linken Oberlappen, 0,5cm. Nach Fleischner keine Verlaufskontrolle bei niedrigem Risiko.",
     t(n("5", "left upper", type="solid", count="1"), advice="none")),
    ("Osteolyse der 5. Rippe rechts 15 mm. Kein Lungenrundherd abgrenzbar.", t(none=True)),
    ("Ca. 6mm grosser Nodulus im Bereich der Lingula, nicht größenprogredient.", t(n("6", "left upper", change="stable"))),
]
CHINESE: list[tuple[str, Truth]] = [
    ("右肺上叶见结节影（IM45），大小约4mm×3mm，前片约3mm×3mm。", t(n("4 x 3", "right upper", was="3 x 3"))),
    ("未见新发结节及原结节增大。", t()),
    ("右肺上叶切除术后，术区未见复发征象。", t()),
    ("肝右叶低密度灶，直径1.2cm，考虑囊肿。双肺未见结节。", t(none=True)),
    ("原右肺中叶6mm结节本次未见显示。左肺下叶4mm结节同前。", t(n("6", "right middle", change="resolved"), n("4", "left lower", change="stable"))),
    ("左肺上叶分叶状肿块，大小约31×27mm，较2022年5月3日CT（24×20mm）增大。", t(n("31 x 27", "left upper", was="24 x 20", change="grown"))),
    ("双肺散在钙化灶。余肺未见实性结节。", t()),
    ("右肺下叶见2枚实性小结节，较大者直径约3mm，较2019年未见变化。", t(n("3", "right lower", type="solid", count="2", change="stable"))),
    ("左肺上叶前段混合磨玻璃结节，大小0.9cm×0.8cm，其内实性成分约3mm。", t(n("9 x 8", "left upper", type="part-solid"))),
    ("双侧胸腔无积液，右肺下叶新见5mm结节。", t(n("5", "right lower", change="new"))),
    ("甲状腺右侧叶见低密度结节，约8mm，建议超声。双肺纹理清晰。", t()),
    ("胸8椎体高密度影，9mm。水平裂旁微结节，约4mm。", t(n("4"))),
    ("右肺上叶纯磨玻璃结节，最大径约11mm，建议6～12个月复查，以后每2年复查。", t(n("11", "right upper", type="non-solid"), advice="CT 6-12; CT 24")),
    ("患者男，71岁，吸烟55包年，结肠癌术后。右肺下叶空洞结节，约14mm，建议穿刺。", t(n("14", "right lower"), advice="biopsy", pack_years="55", prior_cancer="yes")),
    ("右肺上叶（5mm）、左肺下叶（7mm）磨玻璃结节，均较前无变化。", t(n("5", "right upper", type="non-solid", change="stable"), n("7", "left lower", type="non-solid", change="stable"))),
    ("右肺结节，考虑良性，年度随访。", t(n("", "right"), advice="CT 12")),
    ("左肺下叶结节由9mm缩小至6mm，考虑炎性。", t(n("6", "left lower", was="9", change="shrunk"))),
    ("不吸烟。无肺癌家族史。双肺未见占位。", t(none=True, smoking="never", family_history="no")),
    ("左肺舌段结节，18mm，内见爆米花样钙化，随访10年无变化。", t(n("18", "left upper", calcified="yes", change="stable"))),
    ("左肺底可疑微结节，约3mm，血管断面待排。", t(n("3", "left"))),
    ("右肺上叶尖段实性结节（长径约6mm，短径约4mm），原5mm。", t(n("6", "right upper", type="solid", was="5"))),
    ("双肺多发小结节，大者约6mm，位于左肺上叶；建议3-6个月复查胸部CT，必要时PET-CT。", t(n("6", "left upper", count="multiple"), advice="CT 3-6; PET-CT")),
    ("临床诊断：肺结节复查。\n影像表现：右肺中叶结节，约5毫米，未见明显增大。", t(n("5", "right middle", change="stable"))),
    ("左肾结石。右肺下叶背段钙化结节，长径0.4厘米，无须随访。", t(n("4", "right lower", calcified="yes"), advice="none")),
]


def adversarial_reports() -> list[Report]:
    """Give the reports."""
    sets = {"en": ENGLISH, "de": GERMAN, "zh": CHINESE}
    return [
        Report(f"{language}-adversarial-{number}", language, text, truth)
        for language, some in sets.items()
        for number, (text, truth) in enumerate(some, start=1)
    ]
