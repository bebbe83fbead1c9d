"""Words and numbers as people read them, and files that appear whole: what every output shares."""
