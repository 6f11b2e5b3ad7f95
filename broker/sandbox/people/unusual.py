"""The customers whose accounts are unusual: shared, closed, empty, crowded, or full of hostile names."""

from decimal import Decimal as Money

from broker.sandbox.people.entry import EntryKind
from broker.sandbox.people.persona import (
    AccountKind,
    AccountPlan,
    Habit,
    Monthly,
    Persona,
    Regular,
    Shared,
    Takings,
    Weekly,
)

_LONG = "A name that goes on " * 10

CO_HOLDER = Persona(
    bank="harbor",
    username="amara",
    first_name="Amara",
    last_name="Okafor",
    about="joint account: daniel's current account is hers too",
    home="somerville",
    accounts=(AccountPlan("savings", AccountKind.SAVINGS, "USD", "Harbor Saver", Money("3180.00"), "Own savings"),),
    shared=(Shared("daniel", "checking"),),
    regulars=(
        Regular("savings", Monthly(28), EntryKind.INTEREST, "Interest paid", Money("3.10"), Money("4.90")),
        Regular("savings", Monthly(2), EntryKind.INCOMING_PAYMENT, "Okafor Ceramics", Money(90), Money(240)),
    ),
)

TRADER = Persona(
    bank="harbor",
    username="nadia",
    first_name="Nadia",
    last_name="Haddad",
    about="very many transactions: some 16,000 a year",
    home="boston",
    accounts=(
        AccountPlan(
            "business", AccountKind.CURRENT, "USD", "Harbor Business Checking", Money("9400.00"), "Coffee cart"
        ),
        AccountPlan("savings", AccountKind.SAVINGS, "USD", "Harbor Saver", Money("2100.00")),
    ),
    regulars=(
        Regular(
            "business", Weekly(0), EntryKind.BILL_PAYMENT, "Second Crack wholesale", Money(-3100), Money(-2700), "Beans"
        ),
        Regular("business", Monthly(1), EntryKind.FEE, "Card terminal rent", Money(-45), Money(-45)),
        Regular("savings", Monthly(28), EntryKind.INTEREST, "Interest paid", Money("1.90"), Money("2.60")),
    ),
    takings=(Takings("business", 38, 52, Money(3), Money(18)),),
)

NEWCOMER = Persona(
    bank="harbor",
    username="noah",
    first_name="Noah",
    last_name="Brandt",
    about="empty: a customer without an account",
    home="boston",
    accounts=(),
)

MOVED_ON = Persona(
    bank="meridian",
    username="oscar",
    first_name="Oscar",
    last_name="Whitfield",
    about="closed account: one open, one closed",
    home="leeds",
    accounts=(
        AccountPlan("current", AccountKind.CURRENT, "GBP", "Meridian Current", Money("1240.00"), "Everyday"),
        AccountPlan("old", AccountKind.SAVINGS, "GBP", "Meridian Young Saver", Money(0), "Old savings", closed=True),
    ),
    regulars=(
        Regular("current", Monthly(25), EntryKind.SALARY, "Aire Valley Joinery", Money(1930), Money(1990), "SALARY"),
        Regular("current", Monthly(1), EntryKind.BILL_PAYMENT, "Headingley Lets", Money(-640), Money(-640), "Rent"),
    ),
    habits=(
        Habit("groceries", "current", 0.3, (10.0, 18.0)),
        Habit("pub", "current", 0.3, (18.0, 22.0), "456"),
        Habit("transit", "current", 1.0, (0.02, 0.25)),
    ),
)

FRESH = Persona(
    bank="meridian",
    username="ines",
    first_name="Inês",
    last_name="Duarte",
    about="empty: an account on which nothing has happened",
    home="london",
    accounts=(AccountPlan("current", AccountKind.CURRENT, "GBP", "Meridian Current", Money(0)),),
)

HOSTILE = Persona(
    bank="meridian",
    username="bobby",
    first_name="<b onmouseover=alert(1)>Bobby</b> \u202egnp.exe\u202c {{7*7}}",
    last_name="O'Brien\"; DROP TABLE grants;-- \u05d0\u05d1\u05d2 \U0001f9ff",
    about="hostile names: markup, quotes, right-to-left, very long",
    home="bristol",
    accounts=(
        AccountPlan(
            "current",
            AccountKind.CURRENT,
            "GBP",
            "</label><script>alert('product')</script>",
            Money("2400.00"),
            '"><img src=x onerror=alert(1)> \u202e0001\u202c \U0001f4b8',
        ),
        AccountPlan(
            "savings", AccountKind.SAVINGS, "GBP", _LONG + "&amp;", Money("90.00"), "\u05d7\u05e1\u05db\u05d5\u05df 99"
        ),
        AccountPlan("euro", AccountKind.CURRENT, "EUR", "Meridian Euro Account", Money("12.00"), _LONG * 2 + "%s %n"),
    ),
    regulars=(
        Regular(
            "current",
            Monthly(25),
            EntryKind.SALARY,
            "Payroll <a href=//evil.example>click</a>",
            Money(1210),
            Money(1240),
            "' OR 1=1 --",
        ),
        Regular(
            "current", Weekly(1), EntryKind.BILL_PAYMENT, _LONG + "\u0000\u001b[31m\r\nX: y", Money(-60), Money(-40)
        ),
        Regular("savings", Monthly(28), EntryKind.INTEREST, "\u202e\u2066=HYPERLINK(1)\u2069", Money(1), Money(2)),
    ),
    habits=(Habit("odd_shop", "current", 1.0, (0.02, 0.25)), Habit("odd_shop", "current", 0.5, (9.0, 18.0))),
)

UNUSUAL = (CO_HOLDER, TRADER, NEWCOMER, MOVED_ON, FRESH, HOSTILE)
