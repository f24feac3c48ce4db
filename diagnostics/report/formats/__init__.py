"""Renders the view: one module per report format."""
