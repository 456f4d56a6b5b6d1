"""Records of the past: reports as text, and tables of a hospital, read into values that a reader takes over or not."""
