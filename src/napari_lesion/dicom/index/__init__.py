"""Which series lie below a path, and which slices make a volume. Only headers are read."""
