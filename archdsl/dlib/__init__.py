"""dlib's files of trained networks: what ``serialize()`` and ``net_to_xml()`` write.

``stream`` knows the numbers, ``kinds`` the record of each layer class, ``tree`` what a file holds,
``reading`` and ``writing`` go between bytes and tree, ``xml`` reads the other format. Up to here
nothing knows of specs or torch. ``structure`` puts a spec's network in dlib's order, ``weights``
matches it with a file, ``respelling`` makes a spec of a file.
"""
