"""From a volume to what networks see, and back: lungs, resampling, planes, inference."""
