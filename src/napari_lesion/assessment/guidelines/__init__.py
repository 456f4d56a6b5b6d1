"""Risk models and guidelines: Brock, Lung-RADS, Fleischner, BTS, RECIST."""
