"""What a compiled network finds in photographs: for ``archdsl detect``."""
