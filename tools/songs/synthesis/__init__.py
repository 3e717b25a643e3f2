"""How the songs of make synthetic come about."""
