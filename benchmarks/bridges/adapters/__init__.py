"""One file a bridge: its documented use, and nothing else."""
