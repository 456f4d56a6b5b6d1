"""Findings as DICOM objects, written and read: SR, SEG, key images."""
