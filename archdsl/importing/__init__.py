"""From other formats to specs: a reader per origin gives a sketch, one writer spells it."""
