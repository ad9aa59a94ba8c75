"""How good a score is, against recordings with outcomes: pure reckoning, and the files it reckons from."""
