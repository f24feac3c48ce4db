"""The run folder: its files, records, reader, writer and merge. Nothing else knows its file names."""
