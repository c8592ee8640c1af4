"""Copies the Python blocks of a page into a folder and prints their paths, so that CI runs what people read.

A block with a title is saved under it, one without as `1.py` and so on.
"""

import re
import sys
from pathlib import Path

page, folder = map(Path, sys.argv[1:])
blocks = re.findall(
    r'^```python(?: title="([\w.]+)")?\n(.*?)^```', page.read_text(), flags=re.M | re.S
)
if not blocks:
    sys.exit(f"{page} has no Python block")
folder.mkdir(parents=True, exist_ok=True)
for number, (title, block) in enumerate(blocks, start=1):
    path = folder / (title or f"{number}.py")
    path.write_text(block)
    print(path)
