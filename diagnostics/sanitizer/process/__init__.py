"""Runs a program under the sanitizer, follows its children and reports when it ends."""
