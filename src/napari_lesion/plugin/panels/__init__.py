"""Dock widgets, one module a panel."""
