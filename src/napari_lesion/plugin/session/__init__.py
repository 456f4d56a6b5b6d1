"""Which scans are open in a viewer, and what belongs to the one on the screen."""
