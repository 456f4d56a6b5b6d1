"""Scoring findings against truth."""
