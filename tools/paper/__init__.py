"""Everything in one command, with its estimate."""
