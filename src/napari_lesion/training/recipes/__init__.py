"""What each network brings to `engine.fit`: its batches, its loss, its validation, its model package."""
