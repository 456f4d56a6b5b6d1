"""What is known of the patient, and where from."""
