"""The negative controls of rows 19, 23 and 28: faults in a copy of the product that these tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_INPUT = "tests/reliability/test_row_28_bad_input.py"
_BUILT = "\"{{ url_for('static', filename='broker.css') }}\""
_WIDER = "tests/reliability/test_row_19_never_wider.py"
PLANTS = (
    Plant("broker/edge/csrf.py", "raise FormExpired", "return", f"{_INPUT}::own_session"),
    Plant("broker/web/templates/base.html", '"{{ asset("broker.css") }}"', _BUILT, f"{_INPUT}::leads_the_browser"),
    Plant("broker/edge/headers.py", '"X-Frame-Options": "DENY",', "", f"{_INPUT}::good_request"),
    Plant(
        "broker/oauth/details.py",
        "except (ValueError, RecursionError):",
        "except KeyError:",
        f"{_INPUT}::says_a_thing_twice or bombs",
    ),
    Plant(
        "broker/edge/csrf.py",
        'app.config["WTF_CSRF_CHECK_DEFAULT"] = True',
        'app.config["WTF_CSRF_CHECK_DEFAULT"] = False',
        f"{_INPUT}::own_session",
    ),
    Plant(
        "broker/grants/choosing.py",
        " and terms.is_within(asked) and is_positive",
        " and is_positive",
        f"{_WIDER}::no_step",
    ),
    Plant(
        "broker/oauth/granted.py",
        "if not wanted or not wanted <= set(standing):",
        "if not wanted <= set(standing):",
        f"{_WIDER}::no_step",
    ),
    Plant(
        "broker/oauth/granted.py",
        "standing = tuple(name for name in standing_categories(grant) if name in most)",
        "standing = standing_categories(grant)",
        f"{_WIDER}::no_step or refresh_over_http",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_the_checks_of_input_and_growth_find_every_planted_fault(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
