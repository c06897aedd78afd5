"""How Sphinx builds the site: ``make docs``.

The root of the sources is the repository, so that a link is the same in the site and beside the code.
"""

from sphinx.application import Sphinx

from tools.reference_pages import commands_page, interfaces_page

project = "Data platform template"
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "packages/*/*.md",
    "modules/*/*.md",
    "examples/*/*.md",
    "tools/bench/README.md",
]
exclude_patterns = ["**/.*"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4

autodoc_default_options = {"members": True, "member-order": "bysource"}
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 120
toc_object_entries_show_parents = "hide"
smartquotes_action = "D"  # dashes; quotes stay as they are in the code

html_theme = "furo"
templates_path = ["_templates"]
html_additional_pages = {"index": "index.html"}
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_domain_indices = False
html_show_copyright = False
html_show_sphinx = False

GENERATED = {
    "docs/commands": commands_page,
    "docs/interfaces": interfaces_page,
}


def append_generated(_app: Sphinx, page: str, source: list[str]) -> None:
    """Append what is made from the code to the page that introduces it."""
    if page in GENERATED:
        source[0] += GENERATED[page]()


def setup(app: Sphinx) -> None:
    """Register what is not an extension of its own."""
    app.connect("source-read", append_generated)
