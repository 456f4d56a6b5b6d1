"""Training the shipped networks."""
