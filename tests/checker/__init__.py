"""Checks submissions without running them: one submission in, one report out."""
