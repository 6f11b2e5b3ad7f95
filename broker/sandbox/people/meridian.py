"""The customers of Meridian Bank, which keeps sterling accounts in the United Kingdom and some in euro."""

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

# Just after midnight: whatever the hour, "today" has a card use.
_AFTER_MIDNIGHT = (0.02, 0.25)

FREELANCER = Persona(
    bank="meridian",
    username="priya",
    first_name="Priya",
    last_name="Raman",
    about="freelancer; a tax pot and a euro account",
    home="bristol",
    accounts=(
        AccountPlan("current", AccountKind.CURRENT, "GBP", "Meridian Current", Money("2900.00"), "Main", Money(500)),
        AccountPlan("tax", AccountKind.SAVINGS, "GBP", "Meridian Set-Aside", Money("5200.00"), "Tax pot"),
        AccountPlan("euro", AccountKind.CURRENT, "EUR", "Meridian Euro Account", Money("3100.00"), "Euro clients"),
    ),
    regulars=(
        Regular(
            "current",
            Weekly(2, 2),
            EntryKind.INCOMING_PAYMENT,
            "Harbourside Studio Ltd",
            Money(980),
            Money(1460),
            "Invoice",
        ),
        Regular(
            "current", Monthly(22), EntryKind.INCOMING_PAYMENT, "Quill & Press Ltd", Money(700), Money(1250), "Invoice"
        ),
        Regular(
            "euro",
            Monthly(12),
            EntryKind.INCOMING_PAYMENT,
            "Atelier Nordlicht GmbH",
            Money(420),
            Money(980),
            "Rechnung",
        ),
        Regular(
            "current",
            Monthly(1),
            EntryKind.BILL_PAYMENT,
            "Totterdown Lettings",
            Money(-1120),
            Money(-1120),
            "Flat 2 rent",
        ),
        Regular("current", Monthly(3), EntryKind.DIRECT_DEBIT, "Severn Energy", Money(-118), Money(-64)),
        Regular("current", Monthly(4), EntryKind.DIRECT_DEBIT, "Bristol council tax", Money(-142), Money(-142)),
        Regular("current", Monthly(10), EntryKind.DIRECT_DEBIT, "Clearline Broadband", Money(-32), Money(-32)),
        Regular("tax", Monthly(28), EntryKind.INTEREST, "Gross interest", Money("9.20"), Money("16.80")),
    ),
    moves=(Move("current", "tax", Monthly(23), Money("980.00")),),
    subscriptions=(
        Subscription("software_online", "current", 6),
        Subscription("phone_online", "current", 15),
        Subscription("music_online", "current", 19),
    ),
    habits=(
        Habit("transit", "current", 1.0, _AFTER_MIDNIGHT),
        Habit("groceries", "current", 0.3, (11.0, 20.0)),
        Habit("cafe", "current", 0.6, (9.0, 11.0), "12345"),
        Habit("pub", "current", 0.35, (18.0, 22.0), "456"),
        Habit("restaurant", "current", 0.12, (18.5, 21.0)),
        Habit("books", "current", 0.06, (12.0, 17.0)),
        Habit("software_online", "current", 0.03, (10.0, 16.0)),
        Habit("shop_online", "current", 0.06, (20.0, 23.0)),
        Habit("cash", "current", 0.03, (10.0, 17.0)),
        Habit("hotel", "current", 1.0, (9.0, 10.0), "35", "away"),
    ),
    trips=(Trip("berlin", 9, 1, 2, 5), Trip("dublin", 9, 6, 3, 5), Trip("bath", 3, 2, 5, 5)),
    euro_account="euro",
    foreign_fee=Money("0.0275"),
)

TRAVELLER = Persona(
    bank="meridian",
    username="tomas",
    first_name="Tomás",
    last_name="Ferreira",
    about="traveller by rail; pounds and euros",
    home="london",
    accounts=(
        AccountPlan(
            "current", AccountKind.CURRENT, "GBP", "Meridian Current Plus", Money("5400.00"), limit=Money(1000)
        ),
        AccountPlan("euro", AccountKind.CURRENT, "EUR", "Meridian Euro Account", Money("4200.00"), "On the road"),
        AccountPlan("card", AccountKind.CREDIT_CARD, "GBP", "Meridian Flint Visa", Money(0), limit=Money(6000)),
    ),
    regulars=(
        Regular(
            "current", Monthly(24), EntryKind.SALARY, "Continental Rail Consulting", Money(3120), Money(3210), "SALARY"
        ),
        Regular(
            "euro", Monthly(24), EntryKind.SALARY, "Continental Rail Consulting", Money(1290), Money(1360), "Per diem"
        ),
        Regular(
            "current", Monthly(1), EntryKind.BILL_PAYMENT, "Spitalfields Homes", Money(-1680), Money(-1680), "Rent"
        ),
        Regular("current", Monthly(5), EntryKind.DIRECT_DEBIT, "Thames Power", Money(-92), Money(-51)),
        Regular("current", Monthly(7), EntryKind.DIRECT_DEBIT, "Tower Hamlets council tax", Money(-128), Money(-128)),
        Regular("current", Monthly(16), EntryKind.FEE, "Current Plus fee", Money(-8), Money(-8)),
    ),
    bills=(CardBill("card", "current", 26),),
    subscriptions=(Subscription("phone_online", "card", 11), Subscription("stream_online", "card", 18)),
    habits=(
        Habit("transit", "current", 1.0, _AFTER_MIDNIGHT),
        Habit("groceries", "card", 0.3, (10.0, 20.0)),
        Habit("cafe", "current", 0.55, (8.0, 10.0)),
        Habit("restaurant", "card", 0.3, (18.5, 21.5)),
        Habit("clothes", "card", 0.03, (12.0, 17.0)),
        Habit("travel_online", "card", 0.04, (12.0, 14.0), where="home"),
        Habit("shop_online", "card", 0.04, (20.0, 23.0)),
        Habit("hotel", "current", 1.0, (8.0, 9.5), "35", "away"),
        Habit("rail", "current", 0.3, (7.0, 12.0), where="away"),
        Habit("museum", "current", 0.25, (10.0, 16.0), where="away"),
        Habit("cash", "current", 0.1, (9.0, 12.0)),
    ),
    trips=(
        Trip("paris", 12, 0),
        Trip("berlin", 12, 2),
        Trip("amsterdam", 12, 4, 2, 4),
        Trip("vienna", 12, 6),
        Trip("rome", 12, 8, 2, 5),
        Trip("barcelona", 12, 10),
    ),
    euro_account="euro",
    foreign_fee=Money("0.0275"),
)

COUPLE = Persona(
    bank="meridian",
    username="margaret",
    first_name="Margaret",
    last_name="Hargreaves",
    about="retired couple; the current account is joint",
    home="york",
    accounts=(
        AccountPlan(
            "current", AccountKind.CURRENT, "GBP", "Meridian Joint Current", Money("3350.00"), "Ours", joint=True
        ),
        AccountPlan("savings", AccountKind.SAVINGS, "GBP", "Meridian Steady Saver", Money("28400.00")),
        AccountPlan("card", AccountKind.CREDIT_CARD, "GBP", "Meridian Classic Visa", Money(0), limit=Money(3500)),
    ),
    regulars=(
        Regular("current", Weekly(0, 4), EntryKind.INCOMING_PAYMENT, "State Pension", Money(921), Money(921), "DWP SP"),
        Regular(
            "current",
            Monthly(26),
            EntryKind.SALARY,
            "North Ridings Pension Scheme",
            Money(1040),
            Money(1040),
            "Pension",
        ),
        Regular("current", Monthly(2), EntryKind.DIRECT_DEBIT, "Ouse Valley Energy", Money(-168), Money(-94)),
        Regular("current", Monthly(3), EntryKind.DIRECT_DEBIT, "York council tax", Money(-171), Money(-171)),
        Regular("current", Monthly(6), EntryKind.DIRECT_DEBIT, "Yorkshire Water Board", Money(-36), Money(-36)),
        Regular(
            "current", Monthly(13), EntryKind.DIRECT_DEBIT, "Minster Home Insurance", Money("-41.50"), Money("-41.50")
        ),
        Regular("savings", Monthly(28), EntryKind.INTEREST, "Gross interest", Money("58.00"), Money("74.00")),
    ),
    moves=(Move("current", "savings", Monthly(27), Money("380.00")),),
    bills=(CardBill("card", "current", 19),),
    subscriptions=(Subscription("news_online", "card", 1), Subscription("phone_online", "card", 14)),
    habits=(
        # Nobody of this household is out at midnight; the bakery opens early enough for "today" to have a card use.
        Habit("bakery", "current", 1.0, (6.0, 6.5)),
        Habit("groceries", "current", 0.3, (9.0, 15.0)),
        Habit("garden", "card", 0.08, (10.0, 15.0)),
        Habit("cafe", "card", 0.25, (10.0, 12.0)),
        Habit("pharmacy", "current", 0.08, (9.0, 16.0)),
        Habit("restaurant", "card", 0.2, (12.0, 14.0), "26"),
        Habit("vet", "card", 0.02, (9.0, 16.0), "01234", "home"),
        Habit("fuel", "card", 0.08, (9.0, 15.0)),
        Habit("tickets_online", "card", 0.03, (14.0, 17.0)),
        Habit("cash", "current", 0.08, (10.0, 13.0)),
        Habit("hotel", "card", 1.0, (9.0, 10.0), "4", "away"),
    ),
    trips=(Trip("edinburgh", 8, 2, 3, 5), Trip("malaga", 12, 5, 1, 5), Trip("leeds", 4, 3, 2, 2)),
    foreign_fee=Money("0.0275"),
)

MERIDIAN = (FREELANCER, TRAVELLER, COUPLE)
