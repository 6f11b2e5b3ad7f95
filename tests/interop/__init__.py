"""Tests of the house itself: what every part must keep, whoever writes the next one."""
