"""Data roots, audio files, genuine or not, splits; download, check-data, synthetic songs."""
