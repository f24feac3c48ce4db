"""Changes programs: `rules` find mistakes in source code, `edits` change it, and `proof` judges a change by runs."""
