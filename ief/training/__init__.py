"""Training stage by stage: its configuration, its loop, and what lets it stop and continue anywhere."""
