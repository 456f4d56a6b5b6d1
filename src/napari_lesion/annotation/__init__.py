"""What readers mark in scans: labels, masks, growing and filling, agreement, export. No screen needed."""
