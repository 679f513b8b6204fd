"""The requirements, a module each."""
