"""Looks at the policy files: can they be read, all of them."""

from collections.abc import Generator

from broker.cli.doctor.finding import Finding, well, wrong
from broker.errors import ConfigurationInvalid
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue
from broker.settings import Settings


def findings(settings: Settings) -> Generator[Finding, None, Catalogue | None]:
    """Read the policies and return them, None when they cannot be used."""
    try:
        catalogue = load_catalogue(settings.policies_dir)
    except ConfigurationInvalid as error:
        yield wrong("policies", error.detail, "Correct this file and run `broker policy check`.")
        return None
    count = f"{len(catalogue.categories)} categories, {len(catalogue.purposes)} purposes, {len(catalogue.banks)} banks"
    yield well("policies", f"They can be read: {count}.")
    return catalogue
