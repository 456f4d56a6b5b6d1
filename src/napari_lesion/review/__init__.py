"""What a reader did to the findings of a scan: a pure state that can be undone, and its journal on disk."""
