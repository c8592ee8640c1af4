"""Copies the first Python block of the README into a file, so that CI runs what people read."""

import re
import sys
from pathlib import Path

readme, target = map(Path, sys.argv[1:])
blocks = re.findall(r"^```python\n(.*?)^```", readme.read_text(), flags=re.M | re.S)
if not blocks:
    sys.exit(f"{readme} has no Python block")
target.write_text(blocks[0])
