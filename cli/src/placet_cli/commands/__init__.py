"""The nouns of the command: one file each."""
