"""Reads Python source without running it: files, names, values, and which code a run of an event loop reaches."""
