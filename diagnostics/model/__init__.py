"""The records and the words of the project: frozen dataclasses and tables, no IO and no clock."""
