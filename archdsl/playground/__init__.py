"""The playground: a static site with an editor, the compiler in the browser, and the figure.

``site`` writes it, from the files of ``page`` and the packages of ``packages``; ``answers`` is the
compiler as the page asks it.
"""
