"""Networks, model packages, and where they are kept."""
