"""The edge: everything that knows HTTP on the way in and out, and every access gate."""
