"""What was decided, beside what the rule says: a decision against it needs a reason.

The rule is the verdict's. *Better*: switch to a copy that is surely better. *Worse*: keep the control.
*No difference*: keep it, or use one that was shown to be no different. *Cannot tell*: continue, or keep
the control once the planned end is over; goals that disagree leave it to the reader. *Not valid*: no
switch. While a planned end has not come, continuing is always with the rule, unless something got worse.

>>> from custmeasure.improve.copy_test import check_decision, copy_test_from_counts
>>> test = copy_test_from_counts({"A": (238, 17), "B": (238, 45)})
>>> str(check_decision(test, "B").said)
'Switch to B.'
>>> check_decision(test, "keep").is_against
True
"""

import datetime as dt
from dataclasses import dataclass

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test import wording
from custmeasure.improve.copy_test.result import CopyTestResult
from custmeasure.language import Lang, pick
from custmeasure.show.words import Text

KEEP, CONTINUE = "keep", "continue"


@dataclass(frozen=True)
class Decision:
    """A decision about a copy test.

    Attributes
    ----------
    choice
        ``"keep"``, ``"continue"``, the variant to switch to, or ``""`` when nothing is decided yet.
    note
        Why, in the marketer's words.
    control
        The variant that is kept.
    rule
        The choices that the verdict allows.
    """

    choice: str = ""
    note: str = ""
    control: str = ""
    rule: tuple[str, ...] = ()

    @property
    def is_against(self) -> bool:
        """Whether the verdict does not allow it."""
        return bool(self.choice) and self.choice not in self.rule

    @property
    def said(self) -> Text:
        """The decision in a sentence or two, with its reason, or that it needs one."""
        if not self.choice:
            return Text("", "")
        return wording.each(self._said)

    def _said(self, lang: Lang) -> str:
        chosen = self._word(self.choice, lang)
        if not self.is_against:
            return f"{chosen} {self.note}".strip()
        allowed = " / ".join(self._word(each, lang).rstrip(".") for each in self.rule)
        against = pick(
            f"판정의 규칙과 다릅니다(규칙: {allowed}).",
            f"This goes against the rule ({allowed}).",
            lang,
        )
        why = pick(f"까닭: {self.note}", f"Reason: {self.note}", lang) if self.note else pick(
            "까닭이 적혀 있지 않습니다. decision_note에 적으십시오.",
            "No reason is written: give it as decision_note.",
            lang,
        )  # fmt: skip
        return f"{chosen} {against} {why}"

    def _word(self, choice: str, lang: Lang) -> str:
        if choice == CONTINUE:
            return pick("시험을 이어 갑니다.", "Continue the test.", lang)
        if choice == KEEP:
            kept = (
                wording.variant(self.control, lang) if self.control else pick("지금 안", "", lang)
            )
            return pick(f"{kept}을 그대로 둡니다.", f"Keep {kept or 'the present copy'}.", lang)
        name = wording.variant(choice, lang)
        return pick(f"{name}으로 바꿉니다.", f"Switch to {name}.", lang)


def check_decision(result: CopyTestResult, decision: str = "", note: str = "") -> Decision:
    """Compare what was decided with the verdict.

    Parameters
    ----------
    result
        The test.
    decision
        ``"keep"`` (or the control's name), the name of the variant to switch to, or ``"continue"``;
        empty when nothing is decided yet.
    note
        Why; needed when the decision goes against the verdict.

    Returns
    -------
    Decision
        Its ``said`` stands at the top of the report that `sign_off` gets it for.

    Raises
    ------
    UnknownName
        For another decision, with the nearest one.
    UsageError
        For a note without a decision.
    """
    names = [str(name) for name in result.frame["variant"]]
    control = str(result.definition.get("control") or "")
    choice, why = decision.strip(), note.strip()
    if not choice:
        if why:
            raise UsageError(
                ko="decision_note만 있고 decision이 없습니다. 무엇을 정했는지 decision에 적으십시오.",
                en="There is a decision_note but no decision. Say what was decided as decision.",
            )
        return Decision(control=control, rule=_rule(result, names, control))
    if choice not in names and choice not in (KEEP, CONTINUE):
        raise UnknownName("decision", choice, [KEEP, CONTINUE, *names])
    choice = KEEP if choice == control else choice
    return Decision(choice, why, control, _rule(result, names, control))


def _rule(result: CopyTestResult, names: list[str], control: str) -> tuple[str, ...]:
    """Return the choices that the verdict allows, the one it asks for first."""
    verdict, code = str(result.verdict), result.verdict.code
    is_over = _is_over(result)
    wait = () if is_over else (CONTINUE,)
    if verdict == "better":
        return (*_with_outcome(result, "better"), *wait)
    if verdict == "no_difference":
        return (KEEP, *_with_outcome(result, "no_difference"), *wait)
    if verdict == "worse":
        return (KEEP,)
    if code == "MIXED":
        return (KEEP, *(name for name in names if name != control), CONTINUE)
    if verdict == "invalid" or is_over:
        return (KEEP, CONTINUE)
    return (CONTINUE,)


def _with_outcome(result: CopyTestResult, outcome: str) -> tuple[str, ...]:
    """Return the variants of which a deciding metric says so, in the table's order."""
    rows = result.metrics
    kept = rows[(rows["role"] == "decision") & (rows["outcome"] == outcome)]
    return tuple(dict.fromkeys(str(name) for name in kept["variant"]))


def _is_over(result: CopyTestResult) -> bool:
    """Whether the planned end has come; a test without one, or typed in, is looked at now."""
    end, as_of = result.definition.get("end"), result.definition.get("as_of")
    if not isinstance(end, dt.date):
        return "as_of" not in result.definition
    return isinstance(as_of, dt.datetime) and as_of.date() >= end
