"""What a candidate must pass: Deepchecks, floors, the comparison with the champion, the repair. Pure."""
