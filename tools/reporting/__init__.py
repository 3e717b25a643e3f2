"""The page that `tools.report` makes: what it reads, computes, draws and says."""
