"""Breaks the implementation in many places, and counts how often the tests notice.

``python tests/mutation --record FILE --tests tests/layers`` runs fast tests once and writes which
of them call which function; several folders may have a file each. ``python tests/mutation --reached
FILE... --results OTHER`` then chooses places over all rooms by a seed, as many of each room,
changes one at a time and runs the tests that call the function until one fails.
"""
