"""Who may do what, who did what, and what others than they can make of the files: no network, no Qt."""
