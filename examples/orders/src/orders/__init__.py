"""Loads a day of orders: what a second job costs."""
