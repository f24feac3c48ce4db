"""What is tried: providers, scenarios and fixes, and the small language (`program`) in which they meet.

Runs inside the environment under test: standard library only, and it never imports the sanitizer, so that every cell
can also run uninstrumented.
"""
