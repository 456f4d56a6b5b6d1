"""Blind reads, then the same scan with the detector's findings."""
