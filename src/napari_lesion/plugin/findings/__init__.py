"""Findings on the screen: search, table, card, outlines, reports."""
