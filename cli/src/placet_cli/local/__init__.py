"""The whole platform on a laptop: embedded servers and every service, each a process of its own, in one folder."""
