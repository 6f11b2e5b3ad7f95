"""Draws places on a map without asking anybody: outlines and towns lie here as files, the picture is plain SVG."""
