"""Which release changed it: the search, what there is to choose from, what is held still, and who judges.

`search` says which candidates to look at (pure), `releases` what the index lists, `packages` which packages there are,
`scope` which of their releases are in question (pure), `hold` gives each its environment, `cell` and `script` play it,
`votes` says what its trials come to (pure), `judge` is all of that for one release, `history` a whole search, `claims`
what is said of a change, and `asked` begins with what a person asks.
"""
