"""What policies and errors say, in the language of the page that is made; programs and the log have English."""

from flask_babel import get_locale, gettext

from broker.edge.services import services
from broker.errors import BrokerError
from broker.policy import Catalogue
from broker.policy.spoken import retold


def language() -> str:
    """Return the code of this request's language; English outside a request."""
    return getattr(get_locale(), "language", "en")


def spoken() -> Catalogue:
    """Return the catalogue in the words of this request's language."""
    return services().catalogue.in_language(language())


def rule_words(rule: str, text: str) -> str:
    """Say in this language why a rule refused; `text` is the English sentence, told or logged then."""
    return retold(spoken(), rule, text) or gettext(text)


def told(error: BrokerError) -> str:
    """Return the detail of an error in this language."""
    if error.rule is not None:
        return rule_words(error.rule, error.detail)
    said = gettext(error.wording)
    return said % error.values if error.values else said
