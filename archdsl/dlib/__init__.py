"""dlib's files of trained networks: what ``serialize()`` and ``net_to_xml()`` write.

``stream`` knows the numbers, ``kinds`` the record of each layer class, ``tree`` what a file holds,
``reader`` and ``writer`` go between bytes and tree, ``xml`` reads the other format. Up to here
nothing knows of specs or torch. ``nesting`` puts a spec's network in dlib's order, ``pairing`` its
layers beside a file's, ``settling`` carries into it what dlib's types leave open; ``weights`` fills
a module from a file, ``from_module`` goes back, ``to_spec`` makes a spec of a file.
"""

SUFFIXES = (".dat", ".dnn", ".xml")
"""The endings of the names of dlib's files."""
