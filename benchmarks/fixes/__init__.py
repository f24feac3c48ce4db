"""Programs with and without faults of this kind, on which `fix` and `prove` are measured; see `corpus.py`."""
