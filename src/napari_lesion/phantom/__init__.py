"""Synthetic chest CT with known nodules, written as real DICOM."""
