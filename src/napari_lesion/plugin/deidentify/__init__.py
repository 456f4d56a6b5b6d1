"""De-identification in the viewer."""
