"""From a folder of DICOM to findings, in ten lines."""

from pathlib import Path

import napari_lesion as nl

analysis = nl.analyse("sample_dicoms/baseline")  # the one chest CT in there, read, searched, measured
print(analysis.report)
for finding in analysis.report.findings:
    x, y, z = finding.center_mm  # LPS mm: to the left, to the back, to the head
    print(f"{finding.name}: {finding.size} mm at ({x:.0f}, {y:.0f}, {z:.0f}), score {finding.score:.2f}")
written = nl.write_reports(analysis.report, Path("results"), ["csv", "html"], volume=analysis.volume)
print("written:", *written.kinds)
