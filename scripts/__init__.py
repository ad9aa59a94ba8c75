"""What is run by hand, by make and by scripts/check; nothing that is installed imports it."""
