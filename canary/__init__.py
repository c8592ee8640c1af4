"""Canary: the decision on a challenger that predicts on live traffic. Pure."""
