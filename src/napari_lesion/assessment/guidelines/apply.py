"""What published models and guidelines say of an exam, put together."""

from __future__ import annotations

from collections.abc import Sequence

from napari_lesion.assessment.guidelines import bts, fleischner, lung_rads
from napari_lesion.assessment.guidelines.brock import brock
from napari_lesion.assessment.measure.nodule import active
from napari_lesion.model.assessed import FindingJudgement, Judgement, Patient
from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Finding


def apply_guidelines(
    findings: Sequence[Finding], patient: Patient, comparisons: Sequence[Comparison] = ()
) -> Judgement:
    """Ask the Brock model, Lung-RADS, the Fleischner guideline and that of the BTS.

    Each says itself whether it applies, and why not. Nothing here is a diagnosis.

    Parameters
    ----------
    findings : sequence of Finding
        With measurements. Those that a reader rejected do not count.
    patient : Patient
    comparisons : sequence of Comparison
        With priors, the latest first.
    """
    counted = active(findings)
    judged = tuple(
        FindingJudgement(
            finding_id=finding.id,
            brock=brock(finding, patient, counted, comparisons),
            lung_rads=lung_rads.of_nodule(finding, patient, comparisons),
            growth=bts.growth(finding, comparisons),
        )
        for finding in counted
    )
    return Judgement(
        findings=judged,
        lung_rads=lung_rads.of_exam(counted, [one.lung_rads for one in judged], patient),
        fleischner=fleischner.of_exam(counted, patient, comparisons),
    )
