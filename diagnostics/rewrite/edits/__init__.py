"""One file and one row an edit: the changes that `fix` tries."""
