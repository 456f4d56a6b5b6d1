"""Why a finding was reported: maps of what the model looked at."""
