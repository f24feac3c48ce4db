"""Turns recorded facts into findings: the kind, the code at fault and the advice."""
