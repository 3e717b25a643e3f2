"""The clips of a song vote for its genre: the rules, the folds joined, the baseline."""
