"""What is measured in a finding: outline, axes, volume, composition, looks."""
