"""Figures for the operator's monitoring: counted around the parts of the broker, never inside them.

Labels are names from short lists: rules of routes, codes, banks, witnesses. An id of a person, a grant or a token, or a
value of data, is never one. docs/decisions/0033 says why it is done so.
"""
