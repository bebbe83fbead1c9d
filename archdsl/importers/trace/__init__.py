"""PyTorch modules as canonical graphs, by torch.fx."""
