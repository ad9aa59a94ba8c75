"""The database: schema, the log of readings, registers, scores and the daemon's own state.

Everything that touches SQLite lives below this package or in alerts.store; no rule about care must live here.
"""
