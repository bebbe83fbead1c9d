"""Reading PyTorch modules: traced, canonicalised as the matcher does, and told in layers."""
