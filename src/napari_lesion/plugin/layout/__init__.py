"""How the workstation lays out its window: the rail of thumbnails, the steps of the work, the modes."""
