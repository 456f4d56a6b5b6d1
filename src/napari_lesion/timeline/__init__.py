"""A patient's years: the risk of a lesion from all of its dates. Nothing here was measured on people."""
