"""Marking lesions by hand, case by case."""
