"""Writes the body of an upstream issue, in the form that project asks for."""
