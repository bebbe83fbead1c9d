"""From source text to the expanded network: files, syntax, elaboration, formatting."""
