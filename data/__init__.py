"""Rows and columns: schemas, tables, snapshots, identifiers and labels. Pure, apart from reading and writing snapshots."""
