"""Drift methods: each is one object that scores a column of a window and says what chance alone explains.

| module | holds |
| --- | --- |
| `base` | what a method is, and the column it is given |
| `wasserstein` | distance of numbers and moments |
| `jensen_shannon` | distance of categories and booleans |
| `missing_values` | rise of the share of missing values |
| `new_categories` | share of rows with categories unknown to the reference |
| `loading` | the built-in methods in their order, and the user's own by their import paths |
"""
