"""The worker's schema as functions that take an open transaction."""
