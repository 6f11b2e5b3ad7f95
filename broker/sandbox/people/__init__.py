"""The people of the sandbox: invented customers whose accounts live from a seed and the calendar.

Pure: nothing here reads a clock, a network or a file other than the two tables next to it.
"""
