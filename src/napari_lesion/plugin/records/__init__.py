"""Old reports and records of the patient: what they say, taken over by the reader or not."""
