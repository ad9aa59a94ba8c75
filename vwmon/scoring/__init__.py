"""Scores of vital signs: charts as data, a plain reading of them and one over columns. Pure but for the charts."""
