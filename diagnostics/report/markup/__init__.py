"""Writes text safely: escapes Markdown, draws Mermaid diagrams, and keeps a document under a size."""
