"""What every package may use: errors, progress, atomic files, tables, checksums, UIDs as names."""
