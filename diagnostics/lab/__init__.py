"""Outside the environments: builds them, runs cells in them, and serves the provider APIs they talk to."""
