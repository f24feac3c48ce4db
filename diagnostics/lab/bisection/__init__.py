"""Finds the release of a package in which the outcome of a cell, or of a script, changed.

`run_bisection` in `request` is the entry point. `releases` lists what the index has, `scope` selects the candidates
(pure), `pinning` resolves an environment for each, `cell` and `script` run trials in it, `consensus` makes one outcome
of several trials (pure) and `evaluate` does all of that for one release. `search` chooses the next candidate (pure),
`history` is a search from beginning to end, and `attribution` says whether the package itself causes a change.
"""
