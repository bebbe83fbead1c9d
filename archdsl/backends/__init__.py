"""Targets of compilation: PyTorch modules, Python source, and files of other formats."""
