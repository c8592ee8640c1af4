"""The prediction log and the journal, stored in SQLite or MongoDB behind one interface. Imports no Prefect."""
