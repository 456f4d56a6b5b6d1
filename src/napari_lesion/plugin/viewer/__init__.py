"""Opening and showing scans: layers, views, tools, windows."""
