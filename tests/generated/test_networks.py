"""Random networks of the whole catalogue are what is said of them, in every form."""
