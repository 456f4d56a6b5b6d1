"""Words of radiology reports in English, German and Chinese: what each of them marks.

A lexicon has a regular expression for each kind of mark; where a kind has values, they stand behind a colon
(``type:solid``). Sides and lobes are in `places`, sizes in `sizes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "de", "zh"]

_ENGLISH = {
    "head:one": r"(?:micro)?nod(?:ule|el|ul|ular(?! (?:thickening|contour|scarring|pleura|margin))(?:ity| opacity| density| focus| lesion)?)\b|\bhamartoma\b|\bmass\b|\blesion\b|\bGGN\b|\bGGO\b|\bSPN\b"
    r"|\bgranuloma\b|\bground[- ]?glass (?:opacity|lesion|focus|density)|\bfocal opacity",
    "head:many": r"(?:micro)?nodules\b|\bnodular (?:opacities|densities|foci|lesions)|\bmasses\b|\blesions\b|\bGGNs\b|\bGGOs\b"
    r"|\bgranulomas?ta\b|\bgranulomas\b|\bground[- ]?glass (?:opacities|lesions|foci)",
    "neg": r"\bno\b|\bnot\b|\bwithout\b|\bneither\b|\bnor\b|\bnone\b|\bnegative for\b|\babsence of\b|\bfree of\b|\bdenies\b",
    "ender": r"\bbut\b|\bhowever\b|\bexcept\b|\bother than\b|\bapart from\b|\bbesides\b|\baside from\b|\bwith the exception\b",
    "others": r"\bother\b|\badditional\b|\bfurther\b|\belsewhere\b|\banother\b|\bnew\b|\benlarging\b|\bgrowing\b",
    "threshold": r"(?:larger|greater|bigger|more|over|above|exceeding)(?: than)?|≥|>",
    "unsure": r"\bpossibl[ey]\b|\bprobabl[ey]\b|\bquestionable\b|\bequivocal\b|\bsuspected\b|\?|\bversus\b|\bvs\b"
    r"|\bmay (?:be|represent)\b|\bindeterminate whether\b|\bcould represent\b|\bapparent\b",
    "organ": r"\bliver\b|\bhepat\w+|\bkidneys?\b|\brenal\b|\bthyroid\w*|\badrenals?\b|\bspleen\b|\bsplenic\b|\bpancrea\w+"
    r"|\bbreasts?\b|\bgallbladder\b|\bvertebra\w*|\brib\b|\bribs\b|\bbone\b|\bbony\b|\bosseous\b|\bsclerotic\b|\blytic\b"
    r"|\blymph nodes?\b|\baort\w+|\bthymus|\bthymic\b|\bskin\b|\bsubcutaneous\b|\besophag\w+|\bmediastinal mass\b"
    r"|\bhypodense\b|\bhypoattenuating\b|\bcysts?\b|\beffusions?\b|\blipoma\b|\bT\d{1,2}\b|\bL[1-5]\b|\bsternum\b|\bbrain\b|\bcoronary\b|\bnipples?\b|\bfractures?\b|\bvalv\w+|\bdiscs?\b|\bovar\w+|\bprostate\b",
    "lung": r"\bpulmonary\b|\blungs?\b|\bintrapulmonary\b|\bsubpleural\b|\bparenchym\w+|\blobes?\b|\bfissur\w+",
    "type:part-solid": r"\bpart(?:ly|ially)?[- ]?solid\b|\bsemi[- ]?solid\b|\bmixed (?:ground[- ]?glass|density|attenuation|type)\b"
    r"|\bmixed GGN\b|\bmGGN\b|\bPSN\b",
    "type:non-solid": r"\bground[- ]?glass(?: attenuation| density)?\b|\bnon[- ]?solid\b|\b(?:p|pure )?GGN?s?\b|\bGGOs?\b|\bGG\b",
    "type:solid": r"\bsolid\b(?! organ)",
    "type:subsolid": r"\bsub[- ]?solid\b",
    "calc:no": r"\bnon[- ]?calcified\b|\buncalcified\b|\bnon[- ]?calc\b|\b(?:no|without)(?: \w+)? calcifications?\b|\bnot calcified\b",
    "calc:yes": r"\bcalcified\b|\bcalcifications?\b|\bcalcific\b|\bgranulomas?ta\b",
    "change:stable": r"\bstable\b|\bunchanged\b|\bno (?:significant |interval |appreciable |relevant )*(?:change|growth|enlargement|progression)\b"
    r"|\bno evidence of (?:interval )?(?:growth|enlargement|progression)\b|\bnot (?:significantly |appreciably )?(?:changed|grown|increased|enlarged)\b"
    r"|\bwithout (?:significant |interval )*(?:change|growth)\b|\b(?:has|have|is|are) similar\b|\bsimilar (?:in size|to)\b|\bpersist(?:s|ent|ing)\b"
    r"|\bsame size\b|\bstability\b",
    "change:grown": r"\bincreas(?:ed|ing)(?: in (?:size|density))?\b|\benlarg(?:ed|ing)\b|\bha(?:s|ve) grown\b|\bgrown\b|\bgrowing\b"
    r"|\b(?:interval )?(?:growth|enlargement)\b|\blarger (?:than|compared)\b|\bnow larger\b|\bhas become larger\b|\binterval increase\b|\bprogress(?:ed|ive|ion)\b",
    "change:shrunk": r"\bdecreas(?:ed|ing)(?: in size)?\b|\bsmaller (?:than|compared)\b|\bnow smaller\b|\bregress(?:ed|ing|ion)\b|\bha(?:s|ve) shrunk\b"
    r"|\bpartially resolved\b|\binterval decrease\b|\bshrunken\b",
    "change:new": r"\b(?:(?<!no )(?<!not ))new(?:ly)?\b|\binterval (?:development|appearance)\b|\bnot (?:seen|present) (?:on|in) (?:the )?(?:prior|previous)\b",
    "change:resolved": r"\bno longer (?:seen|visible|identified|present|visuali[sz]ed|evident|apparent)\b|\b(?:completely |has |have |since )?resolved\b|\bdisappeared\b|\bresolution of\b",
    "prior": r"\bprevious(?:ly)?\b|\bprior\b|\bformerly\b|\bwas\b|\bwere\b|\bcompared (?:to|with)\b|\bbefore\b|\bfrom\b|\bvs\.?|\bversus\b|\bearlier\b|\bpreviously measured\b|\bprev\b|\bold\b"
    r"|\bused to\b|\bon (?:the )?prior\b|\bbaseline\b",
    "now": r"\bnow\b|\bcurrently\b|\bpresent(?:ly)?\b|\btoday\b|\bcurrent\b|\bto\b",
    "history": r"\bhistory of\b|\bstatus[- ]post\b|\bs/p\b|\bh/o\b|\bpost (?:resection|lobectomy)\b|\bresected\b|\bresection of\b|\bfollow[- ]?up (?:of|for)\b|\bf/u (?:of|for)\b|\bexcised\b|\bremoved\b",
    "same": r"\bthis\b|\bthe (?:nodule|lesion|mass)\b|\bit\b|\bthese\b|\bthe latter\b",
    "all": r"\ball\b|\bboth\b|\bare\b|\bhave\b|\beach\b",
    "after_skip": r"[- ]*(?:thick|slice|section|collimation|reconstruction|axial (?:images|reconstruction|slices)|(?:away )?from (?:the )?(?:pleura|carina|fissure|hilum|diaphragm|chest wall)|deep to|below the|above the|larger|of growth|increase|growth|gap|margin|interval|port)",
    "before_skip": r"(?:thickness(?: of)?|slices? of|by|at|distance(?: of)?|threshold(?: of)?|increment(?: of)?|collimation(?: of)?|(?:short axis)(?: of)?) *$",
    "solidpart_before": r"solid (?:component|portion|part|core|element)s?(?: \w+){0,3}[ :(,]*$",
    "solidpart_after": r"^[- ]*solid (?:component|portion|part|core|element)",
    "upto": r"(?:up to|max(?:imum|imal|\.)?(?: of)?|maximally|at most|less than|under|below|smaller than|<|≤|(?:all|each)? ?≤) *$",
    "subcm": r"\bsub[- ]?centimet(?:er|re)(?: sized)?\b|\bsub[- ]?cm\b",
}
_GERMAN = {
    "head:one": r"\w*rundherd\b|\brundherdes\b|\bherd\b|\blungenherd\b|\bherdbefund\b|\bknoten\b|\bnodulus\b|\bknötchen\b|\bnodul\b|\braumforderung\b"
    r"|\bmilchglas(?:herd|trübung|verdichtung|nodulus|infiltrat|läsion)\w*|\bläsion\b|\bGGN\b|\bGGO\b|\bRH\b|\bhamartom\b|\b(?:noduläre|fleckige|rundliche) verdichtung\b|\bgranulom\b|\bverdichtung\b",
    "head:many": r"\w*rundherde[n]?\b|\bherde[n]?\b|\blungenherde[n]?\b|\bherdbefunde[n]?\b|\bnoduli\b|\bmikronoduli\b|\braumforderungen\b"
    r"|\bmilchglas(?:herde|trübungen|verdichtungen|noduli|läsionen)n?\b|\bläsionen\b|\bgranulome[n]?\b|\bverdichtungen\b|\bGGNs\b",
    "neg": r"\bkein(?:e[rnsm]?)?\b|\bohne\b|\bnicht\b|\bweder\b|\bnoch\b(?= \w*(?:rundherd|herd))|\bfehlen\w*|\bfrei von\b|\bausschluss\b|\bunauffällig\w*",
    "ender": r"\baber\b|\bjedoch\b|\baußer\b|\bausser\b|\babgesehen von\b|\bbis auf\b|\bmit ausnahme\b|\bhingegen\b|\blediglich\b",
    "others": r"\bweitere[nrs]?\b|\bandere[nrs]?\b|\bsonstige[nrs]?\b|\bneu\w*|\bzusätzliche[nrs]?\b|\bgrößenprogredient\w*|\bübrige[nrs]?\b|\bprogrediente[nrs]?\b",
    "threshold": r"größer(?: als)?|über|≥|>|mehr als",
    "unsure": r"\bfraglich\w*|\bmöglich\w*|\bvermutlich\w*|\bV\. ?a\.|\bverdacht auf\b|\bverdächtig auf einen?\b|\bwahrscheinlich\b|\bDD\b|\?|\beventuell\b|\bevtl\.|\bunsicher\w*|\bam ehesten\b|\ba\. ?e\.",
    "organ": r"\bleber\w*|\bhepat\w+|\bniere\w*|\brenal\w*|\bschilddrüse\w*|\bSD-?knoten\b|\bnebenniere\w*|\bmilz(?!glas)\w*|\bpankreas\w*|\bmamma\w*|\bbrust(?!korb|wand)\w*"
    r"|\bgallenblase\w*|\bwirbel\w*|\brippe\w*|\bknochen\w*|\bossär\w*|\bossäre\w*|\bskelett\w*|\blymphknoten\w*|\bLK\b|\baort\w+|\bthymus\w*|\bsubkutan\w*|\bösophag\w+"
    r"|\bhypodens\w*|\b\w*zysten?\b|\b\w*erguss\w*|\bergüsse\b|\blipom\w*|\bBWK\b|\bLWK\b|\bsternum\w*|\bmediastinale raumforderung\b|\bhirn\w*|\bmamille\w*|\bkoronar\w*|\w*fraktur\w*|\bklappe\w*|\bprostata\w*|\bsklerose\w*",
    "lung": r"\bpulmonal\w*|\blunge[n]?\w*|\bintrapulmonal\w*|\bsubpleural\w*|\w*lappen\w*|\bparenchym\w*",
    "type:part-solid": r"\bteil(?:weise )?solid\w*|\bpart[- ]?solid\w*|\bpartiell solid\w*|\bteils solid\w*|\bsemisolid\w*|\bgemischt[- ]?(?:solid|dicht)\w*|\bgemischter milchglas\w*",
    "type:non-solid": r"\bmilchglas\w*|\bnicht[- ]?solid\w*|\bnon[- ]?solid\w*|\bground[- ]?glass\w*|\bGGN\b|\bGGO\b|\brein(?:er|e|es)? milchglas\w*",
    "type:solid": r"\bsolide[rnsm]?\b|\bsolid\b|\bweichteildicht\w*",
    "type:subsolid": r"\bsubsolid\w*",
    "calc:no": r"\bunverkalkt\w*|\bnicht[- ]?verkalkt\w*|\b(?:ohne|keine) (?:\w+ )?verkalkung\w*|\bohne kalk\w*|\bnichtverkalkt\w*|\bkein kalk\w*|\bnicht kalzifiziert\w*",
    "calc:yes": r"\bverkalkt\w*|\bverkalkung\w*|\bkalzifiziert\w*|\bkalkdicht\w*|\bkalkhaltig\w*|\bgranulome?n?\b",
    "change:stable": r"\b(?:größen)?konstant\w*|\bunverändert\w*|\bstabil\w*|\bidem\b|\b(?:keine|ohne) (?:\w+ )?(?:größenänderung|größenzunahme|befundänderung|änderung|größenprogredienz|progredienz|veränderung|dynamik|wachstum)\w*"
    r"|\bnicht (?:\w+ )?(?:größenprogredient|gewachsen|zugenommen|größer|progredient|verändert)\w*|\bgleich groß\w*|\bim wesentlichen gleich\w*|\bkein wachstum\b|\bgleichbleibend\w*|\bgrößenstabil\w*",
    "change:grown": r"\b(?:größen)?progredient\w*|\bgewachsen\w*|\bgrößenzunahme\b|\bzugenommen\b|\bgrößer (?:als|geworden)\b|\bprogredienz\b|\bgrößenprogredienz\b|\bjetzt größer\b|\bvergrößert\b|\bwachsend\w*|\bzunehmend\w*|\bnimmt .{0,15}zu\b|\bwachstum\b",
    "change:shrunk": r"\b(?:größen)?regredient\w*|\bkleiner (?:als|geworden)\b|\bgrößenabnahme\b|\babgenommen\b|\bverkleinert\b|\bjetzt kleiner\b|\brückläufig\w*|\bgeschrumpft\b",
    "change:new": r"\bneu(?:e[rsnm]?)?\b|\bneu ?aufgetreten\w*|\bneu ?abgrenzbar\w*|\bneu nachweisbar\w*|\berstmals\b|\bin der voruntersuchung (?:noch )?nicht\b",
    "change:resolved": r"\bnicht mehr (?:\w+ )?(?:abgrenzbar|nachweisbar|sichtbar|erkennbar|darstellbar|zu sehen|nachzuweisen)\w*|\bverschwunden\b|\bvollständig (?:zurückgebildet|regredient)\b|\bkomplett (?:zurückgebildet|regredient)\w*|\brückbildung\b|\bzurückgebildet\b",
    "prior": r"\bvorher\b|\bzuvor\b|\bvormals\b|\behemals\b|\bfrüher\b|\bvor(?:aufnahme|untersuchung|befund|-ct)\w*|\bVU\b|\bvon\b|\bvorbekannt mit\b|\bdamals\b|\bseinerzeit\b|\bgegenüber\b|\bim vergleich zu\b|\bzuletzt\b|\bvordem\b|\bVor-?CT\b|\bvorm\.",
    "now": r"\bjetzt\b|\baktuell\b|\bnun\b|\bheute\b|\bderzeit\b|\bauf\b",
    "history": r"\bz\. ?n\.|\bzustand nach\b|\bst\. ?p\.|\banamnes\w+|\breseziert\w*|\bresektion eine[sr]\b|\bverlaufskontrolle (?:eines|bei|des)\b|\bkontrolle (?:eines|bei|des)\b|\bentfernt\w*|\bfrage nach\b",
    "same": r"\bdiese[rsn]?\b|\bder (?:rundherd|herd|nodulus|befund)\b|\ber\b|\bletztere[rs]?\b|\bdie läsion\b",
    "all": r"\balle\b|\bbeide\b|\bsind\b|\bsämtliche\b|\bjeweils\b",
    "after_skip": r"[- ]*(?:schicht\w*|dick|kollimation|rekonstru\w*|abstand|vo[nm] (?:der )?(?:pleura|carina|karina|fissur|hilus|thoraxwand|lappenspalt)|oberhalb|unterhalb|größenzunahme|zunahme|inkrement|zugenommen|gewachsen|größer)",
    "before_skip": r"(?:schichtdicke(?: von)?|schichten(?: von)?|kollimation(?: von)?|um|abstand(?: zur pleura)?(?: von)?|inkrement(?: von)?|kurzachse(?: von)?|dicke(?: von)?) *:? *$",
    "solidpart_before": r"solide[rnms]? (?:anteil|komponente|kern)\w*(?: \w+){0,3}[ :(,]*$",
    "solidpart_after": r"^[- ]*(?:messende[rn]? |große[rn]? |großem )?solide[rnms]? (?:anteil|komponente|kern)",
    "upto": r"(?:bis(?: zu| maximal| max\.)?|max\.?|maximal|höchstens|kleiner(?: als)?|unter|<|≤) *(?:ca\. )?$",
    "subcm": r"\bsubzentimeter\w*|\bsub-?cm\b",
}
_CHINESE = {
    "head:one": r"(?:微|小|大)?结节(?:状)?(?:影|灶|病灶)?|节结影?|肿块影?|(?:磨玻璃|毛玻璃)(?:样)?(?:密度)?(?:影|灶)|占位|类圆形(?:高)?密度影|团块影?|GGN|GGO|肉芽肿|错构瘤",
    "head:many": r"(?:多发|散在|数枚|数个|多个|多枚|若干)(?:[^，。；]{0,12}?)(?:结节|磨玻璃影|密度影|肉芽肿)(?:影|灶)?",
    "neg": r"未见(?!明显(?:变化|增大|缩小|改变))|(?<![有之])无(?!变化)|没有|未发现|未及|否认|未显示|不伴|未示",
    "ender": r"但|除|余|惟|仅",
    "others": r"余(?=肺)|其他|其它|其余|新发|新增|新出现|增大|另外",
    "threshold": r"大于|超过|≥|>|以上",
    "unsure": r"可疑|疑似|疑|可能|不除外|待排|\?|？|考虑为?血管",
    "organ": r"肝|肾(?!移植)|甲状腺|脾|胰|乳腺|乳房|胆囊|椎|肋骨|骨|淋巴结|主动脉|胸腺|皮下|食管|囊肿|积液|低密度(?!影?，?右?左?肺)|脑|前列腺|心包|膀胱|冠状动脉|冠脉|乳头|骨折",
    "lung": r"肺|上叶|中叶|下叶|舌段|胸膜下|叶间",
    "type:part-solid": r"部分实性|混合(?:性)?(?:磨玻璃|密度|毛玻璃)|半实性|混杂密度|亚实性(?=（部分)|mGGN",
    "type:non-solid": r"(?:纯)?磨玻璃(?:样)?(?:密度)?|毛玻璃|非实性|pGGN|GGN|GGO|磨砂玻璃",
    "type:solid": r"实性|实质性(?=结节)|软组织密度",
    "type:subsolid": r"亚实性",
    "calc:no": r"(?:未见|无|没有)(?:明显|明确)?钙化|非钙化|未钙化",
    "calc:yes": r"钙化|肉芽肿",
    "change:stable": r"(?:较前|与前|同前|与前片|对比)?(?:相比)?(?:大致|基本)?(?:未见|无)(?:明显|显著|明确)?(?:变化|增大|改变|进展)|变化不(?:大|明显|著)|稳定|大致同前|基本同前|大致相仿|相仿|同前|(?:大小)?(?:未变|不变)|相似|无著变|无变化|(?:大小)?一致",
    "change:grown": r"增大|长大|变大|增长|增粗|进展|增至|增加",
    "change:shrunk": r"缩小|减小|变小|部分吸收|缩至",
    "change:new": r"新发|新增|新出现|新见|新近出现|前(?:片|次)(?:检查)?未见|原(?:片)?未见",
    "change:resolved": r"消失|(?:已|完全)吸收|未再(?:显示|见)|现未见|不再显示|未见显示",
    "prior": r"前次|原(?:约|为|来|大小|先)?|既往|此前|之前|前片|上次|由|从|旧片|先前|对比|以前|较",
    "now": r"现|目前|本次|至|到|今",
    "history": r"病史|术后|切除|史|复查(?=肺?结节)|随访(?=肺?结节)|既往(?=有|发现)|体检发现",
    "same": r"该|此|其|上述",
    "all": r"均|全部|都|各",
    "after_skip": r"\s*(?:层厚|层距|薄层|间隔|增厚)",
    "before_skip": r"(?:层厚|层距|距(?:离)?(?:胸膜|隆突|叶间裂|肺门)?(?:约)?|短径(?:约)?|厚(?:度)?(?:约)?|增大(?:了)?|增加(?:了)?|间隔)\s*$",
    "solidpart_before": r"实性(?:成分|部分)(?:[^，。；]{0,6})$",
    "solidpart_after": r"^\s*(?:的)?实性(?:成分|部分)",
    "upto": r"(?:小于|不超过|不足|<|＜|≤|至多)\s*$",
    "subcm": r"亚厘米",
}
_EXPRESSIONS: Mapping[Language, Mapping[str, str]] = {"en": _ENGLISH, "de": _GERMAN, "zh": _CHINESE}
LEXICONS: Mapping[Language, Mapping[str, re.Pattern[str]]] = {
    language: {kind: re.compile(expression, re.IGNORECASE) for kind, expression in lexicon.items()}
    for language, lexicon in _EXPRESSIONS.items()
}
_AROUND_SIZES = frozenset({"after_skip", "before_skip", "solidpart_before", "solidpart_after", "upto"})
"""Expressions for the text beside a size; they mark nothing by themselves."""
MARKS: Mapping[Language, Mapping[str, re.Pattern[str]]] = {
    language: {kind: one for kind, one in lexicon.items() if kind not in _AROUND_SIZES}
    for language, lexicon in LEXICONS.items()
}
CANCER: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"(?:\w+[ -])?(?:cancer|carcinoma|adenocarcinoma|malignan\w+|tumou?r|lymphoma|melanoma|sarcoma|metastat\w+ disease|NSCLC|SCLC|Ca)\b",
        re.IGNORECASE,
    ),
    "de": re.compile(
        r"\w*(?:karzinom|carcinom|malignom|lymphom|melanom|sarkom)\w*|\b\w+-ca\b\.?|\b\w+tumor\w*|\b\w+krebs\w*",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        r"(?:乳腺|肝|肾|甲状腺|胃|结肠|直肠|结直肠|食管|胰腺|肺|前列腺|膀胱|宫颈|卵巢|鼻咽|[脑骨])?(?:腺?癌|恶性肿瘤|淋巴瘤|黑色素瘤|肉瘤)"
    ),
}
"""A cancer, with the organ that it is named by: an organ in such a name is not where a finding lies."""
_GERMAN_SIGNS = re.compile(
    r"\b(?:der|die|das|und|im|kein(?:e[rns]?)?|rechts?|links?|rundherd\w*|ohne|mit|bei|eine?[rsnm]?|nach|lappen|zur|vom|re\.|li\.|herd\w*|unverändert|monate[n]?|kontrolle|"
    r"solide[rs]?|OL|UL|ML|größe|befund|beurteilung)\b|[äöüß]",
    re.IGNORECASE,
)
_ENGLISH_SIGNS = re.compile(
    r"\b(?:the|and|of|in|no|with|is|are|right|left|nodules?|lobe|months?|stable|unchanged|for|previously|findings|impression|follow-?up|new|size|there)\b",
    re.IGNORECASE,
)


def language_of(text: str) -> Language:
    """Tell in which of the three languages a report is; what says nothing is taken for English."""
    chinese = len(re.findall(r"[\u4e00-\u9fff]", text))
    if chinese >= max(2, len(re.findall(r"[A-Za-z]{2,}", text)) // 2):
        return "zh"
    return "de" if len(_GERMAN_SIGNS.findall(text)) > len(_ENGLISH_SIGNS.findall(text)) else "en"
