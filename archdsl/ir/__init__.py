"""The network itself: layers and blocks, the graph that they form, and the types of its edges."""
