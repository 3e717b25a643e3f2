"""Whether what was made is still what it was made from, and whether a run can be made again."""
