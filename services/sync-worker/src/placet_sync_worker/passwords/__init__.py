"""Passwords of new entries: made when they are written, sealed until somebody took them, then erased."""
