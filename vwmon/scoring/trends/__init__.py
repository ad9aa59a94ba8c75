"""A person's own usual, change against it, and where that leads: numbers offered to rules and people, no judgement.

Pure: columns in, columns out, the moment and the ward's time zone are arguments. Nothing here changes a score.
"""
