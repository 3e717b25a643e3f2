"""The page of the whole paper beside ours, and the tables of results."""
