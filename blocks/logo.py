"""The blocks' logo, inline: the UI shows it without asking any server on the network."""

from importlib.resources import files

import base64

LOGO_URL = (
    "data:image/png;base64,"
    + base64.b64encode(files(__package__).joinpath("logo.png").read_bytes()).decode()
)

DOCUMENTATION_URL = "https://prefect-mlops.readthedocs.io/en/latest/blocks/"
