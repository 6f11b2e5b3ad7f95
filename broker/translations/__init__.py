"""The texts that people read, in each language, out of the files that translators edit: nothing has to be compiled."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages: its BCP 47 code, its own name, and the locale that says how dates are written."""

    code: str
    name: str
    locale: str


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        "en": Language("en", "English", "en_GB"),
        "es": Language("es", "Español", "es_419"),
    }
)
"""The closed list. The first is the language of the texts in the source, and the one for everybody else."""

SOURCE = "en"


@cache
def messages(code: str) -> NullTranslations:
    """Return the texts of one language, read once in a process."""
    if code == SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    with (resources.files("broker") / "translations" / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=code, abort_invalid=True))
    compiled.seek(0)
    return Translations(compiled, domain="messages")


def marked(text: str) -> str:
    """Return a text as it is: it is translated later, when it is known for whom, and translators find it by this."""
    return text
