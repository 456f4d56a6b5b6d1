"""The value types: scans, findings, what is measured, assessed, compared. Nothing is computed from other packages."""
