"""Helpers that every output shares: numbers in words and units, and files that appear whole."""
