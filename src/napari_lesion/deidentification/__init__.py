"""Data that may leave: scans and results without what names a patient, by PS3.15 Annex E, and proven to be."""
