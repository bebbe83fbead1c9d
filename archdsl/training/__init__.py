"""Training of compiled networks on pictures; Lightning is the engine (``archdsl[train]``)."""
