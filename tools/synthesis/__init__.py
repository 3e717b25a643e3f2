"""How `tools.synth` writes and plays its songs."""
