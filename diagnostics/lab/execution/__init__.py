"""Running trials: the inside zone laid out for an environment, its worker, and what came out of each trial."""
