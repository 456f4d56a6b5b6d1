"""The worklist in the viewer: studies opened by a double click, each with one reader, read when they are reported."""
