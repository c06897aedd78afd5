"""What became of a run, shown when it has ended: a summary for people, an object for programs."""
