"""Losses, their bootstrap intervals, and what a champion promises. Pure."""
