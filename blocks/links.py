"""Addresses that the Prefect UI shows with every block. Prefect accepts no inline image there."""

_SITE = "https://prefect-mlops.readthedocs.io/en/latest/"

DOCUMENTATION_URL = _SITE + "blocks/"
LOGO_URL = _SITE + "assets/logo.png"
