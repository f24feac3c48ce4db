"""Writes findings and events: text for people, JSON and the timeline for programs."""
