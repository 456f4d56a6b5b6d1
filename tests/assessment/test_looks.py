"""How a finding looks is estimated, with its certainty; a reader's word goes before it, and doubt leaves it open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ball_scan import scan
from judged_nodules import nodule, patient

from napari_lesion.assessment.guidelines.apply import apply_guidelines
from napari_lesion.assessment.guidelines.brock import brock
from napari_lesion.assessment.guidelines.lung_rads import of_nodule
from napari_lesion.assessment.measure.looks import PART_SOLID, in_words, looks_of
from napari_lesion.assessment.measure.measure import measure_findings
from napari_lesion.assessment.measure.nodule import nodule_of
from napari_lesion.model.findings import Finding, box_around
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Likely, Looks

SCREENED = patient(age_years=62.0, sex="female", family_history=False, emphysema=False, prior_cancer=False)
SCREENING = SCREENED.model_copy(update={"context": patient(context="screening").context})
NO, YES = Likely(value=False, certainty=0.95), Likely(value=True, certainty=0.95)


def looks(kind: str = "solid", certainty: float = 0.95, **signs: Likely) -> Looks:
    """Be certain of a type and of no sign, unless told otherwise."""
    rest = (1 - certainty) / 2 if certainty < 0.9 else 0.01
    names = ("solid", "part-solid", "non-solid")
    shares = {name.replace("-", "_"): certainty if name == kind else rest for name in names}
    known = dict.fromkeys(("spiculated", "lobulated", "ill_defined", "calcified", "suspicious"), NO) | signs
    return Looks(method="looks 1", type=kind, type_certainty=certainty, suspicion=2.0, **shares, **known)


def ratings(**given: list[float]) -> dict[str, np.ndarray]:
    plain = {
        "texture": [0, 0, 0, 0, 1],
        "spiculation": [1, 0, 0, 0, 0],
        "lobulation": [1, 0, 0, 0, 0],
        "margin": [0, 0, 0, 0, 1],
        "malignancy": [0, 0, 1, 0, 0],
        "calcification": [1, 0],
    }
    return {name: np.array(value, float) for name, value in (plain | given).items()}


def test_ratings_are_said_as_types_and_signs_with_the_probability_that_a_reader_agrees() -> None:
    said = in_words(ratings(texture=[0.5, 0.2, 0.1, 0.1, 0.1], spiculation=[0.2, 0.2, 0.3, 0.2, 0.1]), "looks 1")
    assert (said.type, said.type_certainty) == ("non-solid", 0.7)
    assert said.spiculated == Likely(value=True, certainty=0.6)
    assert said.ill_defined == said.calcified == said.suspicious == Likely(value=False, certainty=1.0)
    assert said.suspicion == 3.0
    said = in_words(
        ratings(malignancy=[0, 0, 0.2, 0.3, 0.5], margin=[0.3, 0.4, 0.3, 0, 0], calcification=[0.1, 0.9]), ""
    )
    assert said.suspicious == Likely(value=True, certainty=0.8)
    assert said.ill_defined == Likely(value=True, certainty=0.7)
    assert said.calcified == Likely(value=True, certainty=0.9)


def test_a_part_solid_one_is_kept_possible_because_few_are_and_readers_seldom_agree() -> None:
    said = in_words(ratings(texture=[0, 0, PART_SOLID + 0.01, 0, 0.99 - PART_SOLID]), "")
    assert (said.type, said.part_solid) == ("solid", pytest.approx(PART_SOLID + 0.01, abs=1e-3))
    finding = nodule_of(_with(nodule(9.0, solid_mean_diameter_mm=3.0), said))
    assert (finding.types, finding.type_source) == (("solid", "part-solid"), None)
    assert "perhaps part-solid (9 %)" in finding.kind
    less = said.model_copy(update={"part_solid": PART_SOLID - 0.01})
    assert nodule_of(_with(nodule(9.0), less)).types == ("solid",)


def test_a_reader_goes_before_all_and_a_certain_estimate_before_the_density() -> None:
    finding = nodule(9.0, looks={"type": "non-solid"}, **{"type": "solid"})
    with_estimate = _with(finding, looks("part-solid"))
    assert nodule_of(with_estimate).types == ("non-solid",)
    assert nodule_of(with_estimate).type_source == "entered"
    estimated = nodule_of(_with(nodule(9.0), looks("part-solid")))
    assert (estimated.types, estimated.type_source) == (("part-solid",), "estimated")
    assert estimated.kind == "Part-solid (estimated, 95 %)"
    both = nodule_of(_with(nodule(9.0), looks("solid", 0.6).model_copy(update={"part_solid": 0.05})))
    assert (both.types, both.type_source) == (("solid",), "measured")


def test_an_uncertain_estimate_leaves_the_type_open_and_so_the_category() -> None:
    finding = _with(nodule(9.0, solid_mean_diameter_mm=3.0), looks("part-solid", 0.4))
    assert set(nodule_of(finding).types) == {"solid", "part-solid"}
    advice = of_nodule(finding, SCREENING)
    assert advice.category == "3 or 4A"
    assert "Type" in advice.missing
    assert any("solid (measured), part-solid (estimated, 40 %)" in step.says for step in advice.trace)


def test_where_the_density_does_not_tell_what_is_probable_stays_possible() -> None:
    certain = nodule_of(_with(nodule(5.0, type="unknown"), looks("solid", 0.9)))
    assert (certain.types, certain.type_source) == (("solid",), "estimated")
    unsure = nodule_of(
        _with(
            nodule(5.0, type="unknown"), looks("solid", 0.7).model_copy(update={"part_solid": 0.05, "non_solid": 0.25})
        )
    )
    assert unsure.types == ("solid", "non-solid")
    assert nodule_of(nodule(5.0, type="unknown")).types == ("solid", "part-solid", "non-solid")


@pytest.mark.parametrize(
    ("sign", "says", "source"),
    [
        (YES, "yes, 95 %", "estimated"),
        (NO, "no, 95 %", "estimated"),
        (Likely(value=True, certainty=0.6), "unknown; estimated yes, 60 %", None),
    ],
)
def test_brock_takes_a_certain_estimate_of_spiculation_and_says_so(sign: Likely, says: str, source: str | None) -> None:
    found = brock(_with(nodule(9.0), looks(spiculated=sign)), SCREENED, [])
    (term,) = (one for one in found.terms if one.name == "Spiculation")
    assert (term.value, term.source) == (says, source)
    assert (term.low == term.high) == (source is not None)
    assert ("Spiculation" in found.missing) == (source is None)
    entered = brock(_with(nodule(9.0, looks={"spiculated": False}), looks(spiculated=sign)), SCREENED, [])
    (term,) = (one for one in entered.terms if one.name == "Spiculation")
    assert (term.value, term.source, term.high) == ("no", "entered", 0.0)


def test_a_nodule_that_looks_calcified_may_be_of_category_1() -> None:
    assert of_nodule(_with(nodule(9.0), looks()), SCREENING).category == "4A"
    assert of_nodule(_with(nodule(9.0), looks(calcified=YES)), SCREENING).category == "1 or 4A"


def test_judging_with_estimates_can_be_said_of_any_exam() -> None:
    findings = [
        _with(nodule(mm, str(mm)), looks(kind, share))
        for mm, kind, share in ((5.0, "non-solid", 0.9), (9.0, "part-solid", 0.3))
    ]
    judged = apply_guidelines(findings, SCREENING)
    assert judged.lung_rads.category
    assert judged.findings[0].brock.applies


def test_a_measured_finding_has_its_looks_whatever_the_axes_of_the_scan() -> None:
    volume, ball = scan()
    center = tuple(volume.to_patient(np.argwhere(_voxels(ball, volume.shape)).mean(axis=0)))
    finding = Finding(id="a", center_mm=center, diameter_mm=11.0, box_mm=box_around(center, 11.0), score=0.5)
    (found,) = measure_findings(volume, [finding])
    said = found.measurement.looks
    assert said.method.startswith("nodule-looks")
    assert said.type == "solid"
    assert said.type_certainty > 0.8
    assert not said.spiculated.value
    turned = replace(
        volume, voxels=np.ascontiguousarray(volume.voxels.transpose(2, 0, 1)), affine=volume.affine[:, [2, 0, 1, 3]]
    )
    voxels = _voxels(found.mask, volume.shape)
    (same,) = looks_of(turned, [Mask.of(voxels.transpose(2, 0, 1))])
    assert (same.type, same.solid) == (said.type, pytest.approx(said.solid, abs=0.02))
    for sign in ("spiculated", "lobulated", "ill_defined", "calcified", "suspicious"):
        one, other = getattr(same, sign), getattr(said, sign)
        assert (one.value, one.certainty) == (other.value, pytest.approx(other.certainty, abs=0.02))


def _voxels(mask: Mask, shape: tuple[int, ...]) -> np.ndarray:
    voxels = np.zeros(shape, bool)
    mask.put(voxels)
    return voxels


def _with(finding: Finding, said: Looks) -> Finding:
    return finding.model_copy(update={"measurement": finding.measurement.model_copy(update={"looks": said})})
