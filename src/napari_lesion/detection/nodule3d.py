"""The shipped detector: a 3D centre-point network on the lungs at 1 mm."""

from __future__ import annotations

from napari_lesion.detection.candidates import find_candidates, outside
from napari_lesion.detection.false_positive_reduction import load_classifier, rescore
from napari_lesion.detection.package_detector import PackageDetector, Steps
from napari_lesion.explain.inputs import nodule_view
from napari_lesion.explain.view import ScoredCrop
from napari_lesion.imaging import inference, preprocess
from napari_lesion.imaging.windows import output_affine
from napari_lesion.model.findings import Detection, Finding, Heatmap
from napari_lesion.model.volume import Volume
from napari_lesion.models.card import Precision
from napari_lesion.models.packages import ModelPackage
from napari_lesion.support.progress import Progress, part, silent

_SCALE = 100
_PREPARED, _SEARCHED = 35, 95
"""Where the steps end on the progress scale, about as they share the time."""


class NoduleDetector(PackageDetector):
    """Finds lung nodules with the network of a model package.

    Parameters
    ----------
    package : ModelPackage
    compiled : Compiled, optional
        The same network compiled by another runtime, to search with instead of torch.
    precision : Precision
        The numbers that torch computes in, see ``inference.number_type``.

    Raises
    ------
    ModelError
        If the package's weights are missing or damaged, or were trained on another preprocessing.
    """

    def __init__(
        self, package: ModelPackage, compiled: inference.Compiled | None = None, *, precision: Precision = "auto"
    ) -> None:
        super().__init__(package)
        stage = self._metadata.false_positive_reduction
        self._classifier = load_classifier(stage.model) if stage else None
        self._compiled = compiled
        self._precision = precision

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        """Search a CT volume (HU) for nodules.

        Raises
        ------
        LungsNotFoundError
            If no lung is in view.
        ConfigError
            If the device is not there, or does not compute in that precision.
        """
        # A wrong wish is said before the work, not after.
        inference.number_type(inference.choose_device(device, self._compiled), self._precision)
        steps = Steps()
        box = preprocess.prepare(
            volume, spacing_mm=self._metadata.preprocessing.spacing_mm, progress=part(progress, 0, _PREPARED, _SCALE)
        )
        steps.ended("prepare")
        prediction = inference.predict(
            self._compiled or self._network,
            box.image[None, None],
            device=device,
            precision=self._precision,
            mask=box.search,
            progress=part(progress, _PREPARED, _SEARCHED, _SCALE),
        )
        steps.ended("network")
        progress(_SEARCHED, _SCALE, "collecting the candidates")
        heatmap = Heatmap(values=prediction.probability, affine=output_affine(box.affine))
        candidates = find_candidates(
            heatmap, prediction.log_diameter, prediction.offsets, pitch_mm=self._metadata.preprocessing.spacing_mm
        )
        candidates = outside(candidates, box.beside_gas, box.affine)
        if self._classifier and (stage := self._metadata.false_positive_reduction):
            candidates = rescore(candidates, volume, self._classifier, stage, device)
        heatmap, candidates = self._calibrated(heatmap, candidates)
        steps.ended("candidates")
        progress(_SCALE, _SCALE, f"{len(candidates)} candidates")
        return Detection(
            heatmap=heatmap,
            candidates=candidates,
            device=f"{prediction.device} ({prediction.how})",
            timings_s=steps.seconds,
            warnings=(*box.warnings, *prediction.warnings),
        )

    def view(
        self, volume: Volume, finding: Finding, *, device: str = "auto", progress: Progress = silent
    ) -> ScoredCrop:
        """Crop the scan around a finding as the network sees it, to explain it (see ``explain``).

        Raises
        ------
        GeometryError
            If the finding lies where the model does not search.
        LungsNotFoundError
            If no lung is in view.
        ConfigError
            If the device is not there.
        """
        inference.choose_device(device)
        box = preprocess.prepare(volume, spacing_mm=self._metadata.preprocessing.spacing_mm, progress=progress)
        second = "The score is that of two stages together; the maps explain the first one."
        return nodule_view(
            self._network,
            box,
            finding,
            score=self._metadata.calibration or (lambda probability: probability),
            device=device,
            notes=(second,) if self._metadata.false_positive_reduction else (),
        )
