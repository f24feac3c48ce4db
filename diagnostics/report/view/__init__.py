"""Builds one view of a run from its records. Every format renders that view."""
