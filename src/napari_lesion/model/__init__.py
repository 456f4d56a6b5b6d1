"""The value types: scans, findings, what is measured, judged and compared. Nothing is computed from other packages."""
