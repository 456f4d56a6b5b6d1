"""LIDC-IDRI: what its readers outlined, as truth for training and as annotations, and its scans from their archive."""
