"""Simulated home devices: clinical courses, what goes wrong with kit, and a fleet. Nothing here is a real person."""
