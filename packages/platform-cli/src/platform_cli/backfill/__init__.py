"""A module over a range of dates, each date in a process of its own."""
