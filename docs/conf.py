"""How the pages beside this file become a site: ``make docs``. Nothing is fetched while it is built."""

from importlib import metadata

project = "factos_django"
author = "factos_django contributors"
project_copyright = author
release = metadata.version("factos-django")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4  # a link may name any heading: performance.md#the-admin

html_theme = "furo"
html_title = f"factos_django {release}"
html_copy_source = False
html_show_sphinx = False
