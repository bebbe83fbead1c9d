"""Passes over compiled modules: they compute the same in less time or less memory."""
