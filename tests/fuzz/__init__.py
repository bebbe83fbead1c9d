"""Damaged files of every format that archdsl reads, made from seeds, and what they may lead to."""
