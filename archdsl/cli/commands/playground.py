"""``archdsl playground``: a site with the compiler in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.options import OutputFile, json_option, print_json
from archdsl.cli.output import tell
from archdsl.cli.progress import working
from archdsl.playground.site import write_site
from archdsl.text.words import memory


@click.command()
@click.option(
    "-o",
    "--output",
    type=OutputFile(path_type=Path),
    required=True,
    help="The folder of the site: a new one, an empty one, or that of an older site.",
)
@click.option(
    "--packages",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder node_modules that has the packages.  [default: npm installs them]",
)
@json_option
def command(output: Path, packages: Path | None, as_json: bool) -> None:
    """Write a static site to try archdsl in a browser, with nothing to install.

    Any web server serves it: python -m http.server -d SITE, or the pages of a course. Texts stay
    in the browser. Python for the browser (Pyodide) and the editor (CodeMirror) come from npm.
    """
    with working("writing the playground"):
        site = write_site(output, packages)
    if as_json:
        print_json({"path": str(site.folder), "files": site.files, "bytes": site.size})
    else:
        tell(f"wrote the playground to {site.folder} ({memory(site.size)})")
        tell(f"python -m http.server -d {site.folder} serves it at http://localhost:8000")
