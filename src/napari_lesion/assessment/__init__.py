"""What a finding is: measured, and judged by published models and guidelines."""
