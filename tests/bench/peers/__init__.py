"""The broker's calls beside others' work on the same machine: what durable, judged, receipted calls cost."""
