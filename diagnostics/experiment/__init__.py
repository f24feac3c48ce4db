"""The subjects of the matrix: providers, scenarios and fixes, and the interface between them (`program`).

Runs inside the environment under test: standard library only. It never imports the sanitizer, so that every cell can
also run uninstrumented.
"""
