"""Patches the libraries of a process and records what happens to loops, clients and connections."""
