"""What a verification found, in sentences for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Iterator

from audit.report import BesideProblem, Compared, Problem, Untrusted, VerificationReport
from i18n import N_, _
from i18n.messages import counted, word


def verification_lines(report: VerificationReport) -> Iterator[str]:
    """Yield the result: what was checked, what it shows, what it was compared with, and what it does not show."""
    yield counts_text(report)
    yield from origin_lines(report)
    yield result_text(report)
    yield from undecided_lines(report)
    yield from compared_lines(report)
    yield from limits_lines()
    yield _("Merkle root {root}").format(root=report.root)


def counts_text(report: VerificationReport) -> str:
    """How much was checked; `origin_lines` tell what led to it."""
    return _("{events} in {streams} were checked. They come from:").format(
        events=counted("event", report.events), streams=counted("stream", report.streams)
    )


def origin_lines(report: VerificationReport) -> Iterator[str]:
    """Yield what led to the events, with how many of them: together all that were checked."""
    events = counted("event", report.signed_events)
    yield _("{signatures}: {events}. One act can write several.").format(
        signatures=counted("signature", report.signatures), events=events
    )
    texts = (
        (report.clock_acts, N_("{clock_acts}, which the register enters itself: {events}")),
        (report.unsigned, N_("mail that was sent: {events}. Nobody signs them: only a checkpoint covers them.")),
        (report.founded, N_("the founding of the register, before there was a key: {events}")),
        (report.unexplained, N_("nothing that may lead to an event, or it cannot be read: {events}")),
    )
    for count, text in texts:
        if count:
            yield _(text).format(events=counted("event", count), clock_acts=counted("clock_act", count))


def result_text(report: VerificationReport) -> str:
    """What the verification shows, in a sentence. That nobody changed anything is said of what a checkpoint covers."""
    if report.first_broken is not None:
        return _("BROKEN at position {position}").format(position=report.first_broken)
    if report.first_decided_otherwise is not None:
        return _(
            "Decided otherwise by the same law, first at position {position}: nothing is broken, but this version of "
            "the program comes to something else. Either an act was slipped in, or the program was changed without a "
            "new law number."
        ).format(position=report.first_decided_otherwise)
    if report.untrusted and not report.beside:
        return _(
            "What stands there was not changed. But a key that others may have had signed {commands} after the "
            "position up to which it is trusted: look at each of them."
        ).format(commands=counted("signature", sum(one.commands for one in report.untrusted)))
    if not report.ok:
        return _("Something beside the ledger does not fit it.")
    if not report.proven:
        return _(
            "Everything fits together. It is not shown yet that nobody wrote the ledger anew: for that, compare it "
            "with a checkpoint that was kept elsewhere."
        )
    if report.proven >= report.events:
        return _("Nobody changed anything: a checkpoint that was kept elsewhere covers all {events}.").format(
            events=counted("event", report.events)
        )
    return _(
        "Nobody changed anything in the first {proven}: a checkpoint that was kept elsewhere covers them. The newer "
        "ones fit together."
    ).format(proven=counted("event", report.proven))


def undecided_lines(report: VerificationReport) -> Iterator[str]:
    """Yield how many events were decided by laws that this version does not carry, by law."""
    for number, events in sorted(report.undecided.items()):
        facts = {"events": counted("event", events), "law": number, "own": report.law}
        if number < report.law:
            yield _(
                "{events} were decided by law {law}, and this version carries law {own}: their order, digests and "
                "signatures were checked, their decisions were not. The release with law {law} can check them."
            ).format(**facts)
        else:
            yield _(
                "{events} were decided by law {law}, and this version is older, with law {own}: their order, digests "
                "and signatures were checked, their decisions were not. Verify with the newer release."
            ).format(**facts)


def compared_lines(report: VerificationReport) -> Iterator[str]:
    """Yield what the ledger was compared with."""
    for one in report.compared:
        newer = max(report.events - one.size, 0)
        later = _("{events} are newer than that.").format(events=counted("event", newer)) if newer else ""
        yield f"{_compared(one)} {later}".rstrip()
    if not report.compared:
        yield _("It was compared with no checkpoint.")


def _compared(one: Compared) -> str:
    facts = {"checkpoints": counted("checkpoint", one.checkpoints), "events": counted("event", one.size)}
    if one.source == "kept":
        return _("It agrees with {checkpoints} kept elsewhere, the newest over {events}.").format(**facts)
    if one.source == "file":
        return _("It agrees with {checkpoints} in the file of this installation, the newest over {events}.").format(
            **facts
        )
    return _("It agrees with the newest checkpoint in the database, over {events}.").format(**facts)


def limits_lines() -> Iterator[str]:
    """Yield what the verification does not show."""
    yield _("Accounts, and what pages compute from the ledger, are no evidence; they were not checked.")


def problem_text(problem: Problem) -> str:
    """A finding in words."""
    return " ".join(filter(None, (word("fault", problem.code), f"({problem.detail})" if problem.detail else "")))


def untrusted_text(one: Untrusted) -> str:
    """What a compromised key signed after the position up to which it is trusted."""
    text = _(
        "the first of {commands} that a compromised key (for {what}) signed after position {position}, up to which it "
        "is trusted"
    )
    what = word("key_kind", one.kind)
    return text.format(commands=counted("signature", one.commands), what=what, position=one.trusted_until)


def beside_text(one: BesideProblem) -> str:
    """A finding beside the events in words, with what it is about."""
    return " ".join(filter(None, (word("beside", one.code), f"({one.detail})" if one.detail else "")))
