"""Copies the Python blocks of the README into a folder, `1.py` and so on, so that CI runs what people read."""

import re
import sys
from pathlib import Path

readme, folder = map(Path, sys.argv[1:])
blocks = re.findall(r"^```python\n(.*?)^```", readme.read_text(), flags=re.M | re.S)
if not blocks:
    sys.exit(f"{readme} has no Python block")
folder.mkdir(parents=True, exist_ok=True)
for number, block in enumerate(blocks, start=1):
    (folder / f"{number}.py").write_text(block)
