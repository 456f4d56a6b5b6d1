"""Train a detector on CT of your own: scans, a table of their nodules, and a configuration.

Three steps show that all of it works; a real run takes thousands (docs/training.md).
"""

from pathlib import Path

import napari_lesion as nl

CONFIGURATION = """
id: my-nodules
version: "0.1"
start_from: nodule-3d       # go on from what the model that comes along has learned
steps: 3
batch_size: 2
crop: 32                    # mm; 64 in a real run
mine_every: 0
data:
  annotated:
    scans: [sample_dicoms]  # folders of DICOM, NIfTI or MetaImage files
    annotations: sample_dicoms/truth.csv  # seriesuid,coordX,coordY,coordZ,diameter_mm (LPS mm)
  insert_share: 0           # learn from these nodules alone
"""

Path("my-nodules.yaml").write_text(CONFIGURATION, encoding="utf-8")
package = nl.train("my-nodules.yaml", "run")  # stopped, it goes on with resume=True
detector = nl.load_detector(package)
print(detector.card)
print((package / "card.md").read_text(encoding="utf-8"))
