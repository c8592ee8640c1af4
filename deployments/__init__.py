"""How flows are served, scheduled and triggered."""
