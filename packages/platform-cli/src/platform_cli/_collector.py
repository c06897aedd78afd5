"""The garbage collector of a process of ours."""

import gc


def tune_collector() -> None:
    """Let the garbage collector of a process of ours check less.

    What is imported by now stays until the end: to pass it over saves 8 of the 80 ms of ``--help``, most of
    them at the exit. A load makes objects by the million, nearly all of which are freed without the
    collector: to look for the others each time that 10,000 more are alive, not 700, saves a twentieth of the
    processor time of a load of 300,000 lines.
    """
    gc.freeze()
    gc.set_threshold(10_000)
