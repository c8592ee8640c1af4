"""Where predictions and the journal are kept: one narrow interface, SQLite and MongoDB behind it. Imports no Prefect."""
