"""Puts a question that the log has kept to the policies once more, to those of then or to others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from broker.policy.catalogue import BankFacts, Catalogue
from broker.policy.contexts import ReleaseContext, RequestContext
from broker.policy.decision import Decision
from broker.policy.questions import reads_a_day
from broker.policy.rules import decide


def kept_context(kept: Mapping[str, Any], bank: BankFacts | None) -> RequestContext | ReleaseContext:
    """Read a context as the log keeps it, to be judged by these facts of its bank.

    Raises:
        ValueError: it has another form, such as that of an earlier version.
    """
    try:
        return RequestContext.from_json(kept, bank) if "terms" in kept else ReleaseContext.from_json(kept, bank)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no context") from error


def decide_again(catalogue: Catalogue, bank: BankFacts | None, kept: Mapping[str, Any]) -> Decision:
    """Judge a context that the log has kept by these policies and these facts of its bank.

    The ceilings of reads are those of the policies; what the person agreed to stands in the context only as far as it
    was below them, so a ceiling that was raised since counts as it was. How much a platform had gathered, and its
    budget for that, stay as they were.

    Raises:
        ValueError: the context has another form.
    """
    context = kept_context(kept, bank)
    if isinstance(context, ReleaseContext):
        reads = context.reads
        attended, unattended = reads_a_day(catalogue, context.purpose, bank, reads.unattended_ceiling)
        context = replace(context, reads=replace(reads, attended_ceiling=attended, unattended_ceiling=unattended))
    return decide(catalogue, context)
