"""The six phases of `diagnose`: isolation, loops, clients, fixes, versions, load."""
