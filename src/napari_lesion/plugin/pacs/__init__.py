"""Archives in the viewer: studies found and fetched, priors of the open patient, results sent back."""
