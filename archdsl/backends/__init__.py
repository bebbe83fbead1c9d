"""What a network is compiled to: PyTorch modules, their source, and files of other formats."""
