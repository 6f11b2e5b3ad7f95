"""What the chat says of a change of a permission: one or two short sentences, and who decided."""

from broker.sandbox.messenger.words import CATEGORIES

from .vocabulary import Change, Event

BY_BANK, BY_BROKER = "DATA_PROVIDER", "DATA_ACCESS_PLATFORM"

_PERSON = {
    Change.PAUSED: "You paused your sharing from {bank}. I will not ask for anything until you resume it.",
    Change.RESUMED: "You resumed your sharing from {bank}. You can ask me again.",
    Change.CATEGORY_PAUSED: "You paused sharing {what} from {bank}. I will not ask for it until you resume it.",
    Change.CATEGORY_RESUMED: "You resumed sharing {what} from {bank}. You can ask me about it again.",
    Change.CATEGORY_REVOKED: "You stopped sharing {what} from {bank}. {forgot}",
    Change.ACCOUNT_PAUSED: "You paused one account at {bank}. I will leave it out until you resume it.",
    Change.ACCOUNT_RESUMED: "You resumed one account at {bank}. It is in my answers again.",
    Change.ACCOUNT_REMOVED: "You stopped sharing one account at {bank}. {forgot}",
    Change.REVOKED: "You stopped sharing from {bank}. I have deleted my access, and {forgotten}.",
}
_OTHERS = {
    Change.PAUSED: "{who} put your sharing from {bank} on hold. You can resume it, or stop it.",
    Change.RESUMED: "Your sharing from {bank} goes on. You can ask me again.",
    Change.REVOKED: "{who} ended your sharing from {bank}. I have deleted my access, and {forgotten}.",
    Change.EXPIRED: "The time for your sharing from {bank} is over. I have deleted my access, and {forgotten}. "
    "To go on, connect the bank again.",
    Change.SUSPENDED: "{who} switched off {scope} for now. Your permission stays as it is, and you need not do "
    "anything. I will say when it goes on.",
    Change.RESTORED: "{who} switched {scope} on again. You can ask me again.",
}


def sentence_of(change: Change, event: Event, bank: str, forgotten: int) -> str:
    """Say a change in words; `forgotten` is how many answers were deleted because of it."""
    initiator, category = event.text("initiator"), event.text("category")
    who = {BY_BANK: bank, BY_BROKER: "The broker"}.get(initiator, "The app" if change is Change.REVOKED else "You")
    what = CATEGORIES.get(category, "some of your data")
    by_person = initiator not in {BY_BANK, BY_BROKER, "DATA_RECIPIENT"} and change in _PERSON
    template = _PERSON[change] if by_person else _OTHERS.get(change, _PERSON.get(change, ""))
    return template.format(
        bank=bank,
        who=who,
        what=what,
        scope=(what if category else "sharing") + ("" if initiator == BY_BANK else f" from {bank}"),
        forgot=f"I have deleted {_answers(forgotten)}." if forgotten else "I had nothing of it here.",
        forgotten=_answers(forgotten) if forgotten else "I held no answers with your data",
    )


def _answers(count: int) -> str:
    return "the one answer that showed it" if count == 1 else f"the {count} answers that showed your data"
