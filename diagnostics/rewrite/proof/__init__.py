"""Runs a program before and after a change, and judges the change."""
