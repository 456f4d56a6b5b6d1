"""Reading DICOM: series, geometry, pixels."""
