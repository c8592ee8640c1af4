"""Recipes, search spaces, cross-validation and the hyperparameter study. Pure."""
