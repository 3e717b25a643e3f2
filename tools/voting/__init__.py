"""What `tools.vote` is made of: probabilities of clips, the rules of the vote, its files."""
