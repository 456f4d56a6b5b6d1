"""MONAI bundles as detectors: others' models, as their own configuration says they are to be run."""
