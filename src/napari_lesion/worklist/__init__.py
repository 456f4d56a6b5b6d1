"""Studies that wait for a reader: ranked by what was found, by a rule that is seen, and each with one reader."""
