"""Evaluate two models on the same scans, and compare them: FROC and CPM by the rules of LUNA16."""

from pathlib import Path

import napari_lesion as nl

TRUTH = nl.load_marks(Path("sample_dicoms/truth.csv"))
found = {}
for model in ("nodule-3d", "nodule-2d"):
    done = nl.analyse_folder([Path("sample_dicoms")], Path("results") / model, detector=model, measure=False)
    print(model, done)
    found[model] = nl.load_results(Path("results") / model).points
    evaluation = nl.evaluate(TRUTH, found[model])
    print(f"{model}: CPM {evaluation.overall.cpm:.3f}, {evaluation.overall.nodules} nodules")
comparison = nl.compare_models(TRUTH, found["nodule-3d"], found["nodule-2d"], bootstraps=200)
for difference in comparison.differences[:1]:
    low, high = difference.interval
    print(f"{difference.name}: {difference.difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")
