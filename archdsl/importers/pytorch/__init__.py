"""Import of PyTorch modules: traced, made canonical, and recognised as layers."""
