"""Earlier scans of the patient beside the current one."""
