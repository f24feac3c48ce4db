"""The six phases of a diagnosis: isolate, loops, clients, alternatives, versions, environment."""
