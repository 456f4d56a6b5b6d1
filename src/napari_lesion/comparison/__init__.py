"""A scan against earlier ones of the same patient: alignment, matching, growth."""
