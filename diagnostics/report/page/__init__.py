"""Writes `report.html`, the interactive page."""
