"""What drives a run: the configuration of each network, checked before anything starts."""
