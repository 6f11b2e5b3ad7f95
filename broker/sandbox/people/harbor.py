"""The customers of Harbor Bank, which keeps US dollar accounts in Massachusetts."""

from decimal import Decimal as Money

from broker.sandbox.people.entry import EntryKind
from broker.sandbox.people.persona import (
    AccountKind,
    AccountPlan,
    CardBill,
    Habit,
    Monthly,
    Move,
    Persona,
    Regular,
    Subscription,
    Trip,
    Weekly,
)

# Evening in Massachusetts is the first hour of the next day in UTC: whatever the hour, "today" has a card use.
_EVENING = (19.05, 19.3)

STUDENT = Persona(
    bank="harbor",
    username="maya",
    first_name="Maya",
    last_name="Lindqvist",
    about="student; weekend trips",
    home="cambridge",
    accounts=(
        AccountPlan("checking", AccountKind.CURRENT, "USD", "Student Checking", Money("640.00"), "Everyday money"),
        AccountPlan("savings", AccountKind.SAVINGS, "USD", "Harbor Saver", Money("1250.00"), "Summer fund"),
    ),
    regulars=(
        Regular(
            "checking", Weekly(4, 2), EntryKind.SALARY, "Riverside Library payroll", Money(455), Money(525), "PAYROLL"
        ),
        Regular(
            "checking", Monthly(3), EntryKind.INCOMING_PAYMENT, "Lindqvist family", Money(600), Money(600), "Rent help"
        ),
        Regular(
            "checking", Monthly(5), EntryKind.BILL_PAYMENT, "Elm House co-op rent", Money(-780), Money(-780), "Room 4"
        ),
        Regular("savings", Monthly(28), EntryKind.INTEREST, "Interest paid", Money("1.10"), Money("2.40")),
    ),
    moves=(Move("checking", "savings", Monthly(17), Money("40.00")),),
    subscriptions=(
        Subscription("music_online", "checking", 9),
        Subscription("phone_online", "checking", 12),
        Subscription("stream_online", "checking", 21),
    ),
    habits=(
        Habit("groceries", "checking", 0.16, (12.0, 18.0)),
        Habit("cafe", "checking", 0.55, (8.0, 11.0), "01234"),
        Habit("transit", "checking", 1.0, _EVENING),
        Habit("books", "checking", 0.05, (13.0, 17.0)),
        Habit("restaurant", "checking", 0.14, (18.0, 21.0), "456"),
        Habit("cinema", "checking", 0.2, (19.5, 21.0), "5"),
        Habit("games_online", "checking", 0.04, (20.0, 23.0)),
        Habit("shop_online", "checking", 0.03, (10.0, 22.0)),
        Habit("cash", "checking", 0.04, (10.0, 17.0)),
        Habit("museum", "checking", 0.5, (10.0, 15.0), where="away"),
    ),
    trips=(Trip("montreal", 8, 3, 4, 6), Trip("new_york", 8, 7, 4, 6)),
    foreign_fee=Money("0.03"),
)

PARENT = Persona(
    bank="harbor",
    username="daniel",
    first_name="Daniel",
    last_name="Okafor",
    about="family; the current account is joint, with amara",
    home="somerville",
    accounts=(
        AccountPlan(
            "checking", AccountKind.CURRENT, "USD", "Everyday Checking", Money("4200.00"), "Household", joint=True
        ),
        AccountPlan("savings", AccountKind.SAVINGS, "USD", "Harbor Saver", Money("15400.00"), "Rainy days"),
        AccountPlan("card", AccountKind.CREDIT_CARD, "USD", "Harbor Rewards Visa", Money(0), limit=Money(9000)),
    ),
    regulars=(
        Regular(
            "checking",
            Weekly(3, 2),
            EntryKind.SALARY,
            "Mystic Valley Schools payroll",
            Money(2890),
            Money(2960),
            "PAYROLL",
        ),
        Regular(
            "checking",
            Monthly(1),
            EntryKind.DIRECT_DEBIT,
            "Commonwealth Home Loans",
            Money(-2140),
            Money(-2140),
            "Mortgage",
        ),
        Regular(
            "checking", Monthly(8), EntryKind.DIRECT_DEBIT, "Bay Light & Gas", Money(-235), Money(-128), "Acct 4471"
        ),
        Regular(
            "checking",
            Monthly(11),
            EntryKind.BILL_PAYMENT,
            "Little Harbor Daycare",
            Money(-1380),
            Money(-1380),
            "Tuition",
        ),
        Regular("checking", Monthly(14), EntryKind.DIRECT_DEBIT, "Clearline Broadband", Money(-65), Money(-65)),
        Regular("savings", Monthly(28), EntryKind.INTEREST, "Interest paid", Money("18.40"), Money("27.90")),
    ),
    moves=(Move("checking", "savings", Monthly(16), Money("520.00")),),
    bills=(CardBill("card", "checking", 20),),
    subscriptions=(Subscription("stream_online", "card", 4), Subscription("gym_online", "card", 7)),
    habits=(
        Habit("groceries", "card", 0.42, (9.0, 18.0)),
        Habit("bakery", "checking", 1.0, _EVENING),
        Habit("fuel", "card", 0.13, (7.0, 9.0)),
        Habit("children", "card", 0.07, (10.0, 16.0), "56"),
        Habit("pharmacy", "checking", 0.07, (12.0, 18.0)),
        Habit("vet", "card", 0.025, (9.0, 16.0), "01234", "home"),
        Habit("hardware", "card", 0.18, (10.0, 16.0), "56", "home"),
        Habit("restaurant", "card", 0.3, (18.0, 20.0), "456"),
        Habit("shop_online", "card", 0.08, (20.0, 23.0)),
        Habit("clothes_online", "card", 0.03, (20.0, 23.0)),
        Habit("cash", "checking", 0.04, (10.0, 17.0)),
        Habit("hotel", "card", 1.0, (9.0, 10.0), "6", "away"),
    ),
    trips=(Trip("toronto", 10, 4, 4, 6), Trip("portland_me", 10, 9, 5, 6), Trip("worcester", 4, 2, 5, 5)),
    foreign_fee=Money("0.0275"),
)

TRAVELLER = Persona(
    bank="harbor",
    username="elena",
    first_name="Elena",
    last_name="Vasquez",
    about="traveller on three continents",
    home="boston",
    accounts=(
        AccountPlan("checking", AccountKind.CURRENT, "USD", "Harbor Premier Checking", Money("6800.00")),
        AccountPlan("savings", AccountKind.SAVINGS, "USD", "Harbor Saver", Money("22100.00"), "Sabbatical"),
        AccountPlan("card", AccountKind.CREDIT_CARD, "USD", "Harbor Voyager Visa", Money(0), "Travel", Money(15000)),
    ),
    regulars=(
        Regular(
            "checking",
            Monthly(25),
            EntryKind.SALARY,
            "Atlas Field Research payroll",
            Money(6650),
            Money(6790),
            "PAYROLL",
        ),
        Regular(
            "checking",
            Monthly(1),
            EntryKind.BILL_PAYMENT,
            "Beacon Hill Apartments",
            Money(-2350),
            Money(-2350),
            "Unit 12",
        ),
        Regular("checking", Monthly(9), EntryKind.DIRECT_DEBIT, "Bay Light & Gas", Money(-96), Money(-58)),
        Regular("checking", Monthly(15), EntryKind.FEE, "Premier account fee", Money(-12), Money(-12)),
        Regular("savings", Monthly(28), EntryKind.INTEREST, "Interest paid", Money("31.00"), Money("44.00")),
    ),
    moves=(Move("checking", "savings", Monthly(26), Money("850.00")),),
    bills=(CardBill("card", "checking", 27),),
    subscriptions=(Subscription("news_online", "card", 2), Subscription("phone_online", "card", 13)),
    habits=(
        Habit("groceries", "card", 0.24, (10.0, 18.0)),
        Habit("cafe", "card", 1.0, _EVENING),
        Habit("restaurant", "card", 0.35, (12.0, 14.5)),
        Habit("books", "card", 0.06, (14.0, 18.0)),
        Habit("pharmacy", "card", 0.03, (14.0, 18.0)),
        Habit("travel_online", "card", 0.05, (9.0, 12.0), where="home"),
        Habit("hotel", "card", 1.0, (8.0, 9.5), "245", "away"),
        Habit("rail", "card", 0.22, (7.0, 12.0), where="away"),
        Habit("museum", "card", 0.3, (10.0, 16.0), where="away"),
        Habit("cash", "checking", 0.2, (9.0, 12.0), where="away"),
        Habit("barber", "checking", 0.04, (10.0, 17.0), "12345", "home"),
    ),
    trips=(
        Trip("lisbon", 10, 0),
        Trip("mexico_city", 10, 2),
        Trip("tokyo", 10, 4),
        Trip("madrid", 10, 6),
        Trip("london", 10, 8),
        Trip("new_york", 5, 3, 2, 3),
    ),
    foreign_fee=Money("0.01"),
)

HARBOR = (STUDENT, PARENT, TRAVELLER)
