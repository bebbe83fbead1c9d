"""The language server: what an editor asks about a text while someone writes it.

``outline`` reads definitions and uses from tokens alone, so it knows a broken text as well as a
right one; ``files`` looks names up across includes; ``checking`` runs the stages of the compiler
and keeps the last network that was right. The other modules answer one kind of request each, as
functions of a document and an offset. ``server`` is the only one that talks to an editor.
"""
