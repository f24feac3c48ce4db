"""Running trials: the staged code of the inside zone, workers, retries, and the record of each trial."""
