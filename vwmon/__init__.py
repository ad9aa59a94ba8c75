"""The ward: readings in, scores and alerts out. It may use devices and alerts, which know nothing of it."""
