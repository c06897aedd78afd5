"""The runs that there were: their table, the rows that runs write, and how a run is undone."""
