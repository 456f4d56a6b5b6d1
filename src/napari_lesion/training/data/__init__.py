"""What is learned from, and who is kept apart to measure with."""
