"""From the files of one series to a volume."""
