"""One file and one row a rule: the mistakes that `check` finds in source code."""
