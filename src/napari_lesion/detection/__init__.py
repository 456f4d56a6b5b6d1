"""Finding lesions in a volume."""
