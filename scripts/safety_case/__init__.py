"""The safety case as data: what can harm, what stands against it, which test proves that, and what it is built on.

`scripts/safety-case` writes the documents of docs/safety from the tables there and from what became of the tests.
"""
