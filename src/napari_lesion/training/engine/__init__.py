"""How any network is trained: steps, average, early stopping, checkpoints, records."""
