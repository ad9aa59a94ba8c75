"""Handing over what one has in hand. Pure."""
