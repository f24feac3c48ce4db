"""Generated test suites in which known tests leave clients open, and how tools blame them."""
