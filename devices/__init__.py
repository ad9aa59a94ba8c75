"""The edge: what a home device says, how it says it, and simulated ones. Knows nothing of wards."""
