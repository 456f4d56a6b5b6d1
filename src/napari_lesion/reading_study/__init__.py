"""Reading studies: a blind read, then the same scan with the detector's findings, and what that changes."""
