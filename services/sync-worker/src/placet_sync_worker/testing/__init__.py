"""Fakes of what the worker needs of outside systems."""
