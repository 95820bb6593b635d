"""What all our pages share: where the templates are, and the policy that shuts a page off."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from custmeasure.report.wording import NAMES

TEMPLATES = Path(__file__).resolve().parent / "template"

CSP = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)


def furnish(environment: Environment) -> Environment:
    """Make a template environment escape every text and know what all pages share."""
    environment.autoescape = True
    environment.undefined = StrictUndefined
    environment.globals.update(csp=CSP, names=NAMES)
    return environment


def own_environment() -> Environment:
    """Return an environment over our templates, for pages that are not notebooks."""
    loader = FileSystemLoader(TEMPLATES)
    return furnish(
        Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    )
