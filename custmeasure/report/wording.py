"""The words that pages and indexes say themselves, in Korean and English."""

from custmeasure.language import Lang
from custmeasure.show.words import Text, verdict_word

LOCALES: dict[str, str] = {"ko": "ko_KR", "en": "en_GB"}
NAMES: dict[str, str] = {"ko": "한국어", "en": "English"}

# A verdict is never told by colour alone.
SIGNS = {
    "better": "▲",
    "worse": "▼",
    "no_difference": "＝",
    "cannot_tell": "…",
    "invalid": "✕",
    "plan": "→",
    "failed": "!",
}

_WORDS: dict[str, Text] = {
    "reports": Text("보고서 목록", "All reports"),
    "this_day": Text("이날의 보고서", "This day's reports"),
    "contents": Text("차례", "Contents"),
    "skip": Text("본문으로 건너뛰기", "Skip to the text"),
    "date": Text("보고서 날짜", "Report date"),
    "until": Text("자료 기준", "Data up to"),
    "summary": Text("한눈에 보기", "In short"),
    "alerts": Text("자료를 먼저 확인하십시오", "Check the data first"),
    "decision": Text("결정", "Decision"),
    "settings": Text("이 보고서의 설정", "Settings of this report"),
    "too_large": Text(
        "이 출력은 너무 커서 보고서에 싣지 않았습니다. 노트북에서 볼 수 있습니다.",
        "This output is too large for a report and was left out. The notebook shows it.",
    ),
    "failed": Text("이 부분은 계산하지 못했습니다.", "This part could not be computed."),
    "failed_chip": Text("실패", "Failed"),
    "plan_chip": Text("계획", "Plan"),
    "title": Text("보고서", "Reports"),
    "day": Text("날짜", "Date"),
    "no_reports": Text(
        "아직 보고서가 없습니다. custmeasure run으로 첫 보고서를 만드십시오.",
        "There is no report yet. Make the first with custmeasure run.",
    ),
    "last_good": Text("마지막 정상 보고서", "last good"),
    "never_good": Text("정상 보고서 없음", "never published"),
    "not_run": Text("실행하지 않음", "not run"),
    "how_to_read": Text("판정 읽는 법", "How to read a verdict"),
}

_MEANINGS: dict[str, Text] = {
    "better": Text(
        "좋아졌다고 말할 근거가 충분합니다.", "The data are enough to say it is better."
    ),
    "worse": Text("나빠졌다고 말할 근거가 충분합니다.", "The data are enough to say it is worse."),
    "no_difference": Text(
        "눈에 띄는 차이가 없다고 말할 근거가 충분합니다.",
        "The data are enough to say there is no difference that matters.",
    ),
    "cannot_tell": Text(
        "아직 자료가 모자라 말할 수 없습니다.", "There are not enough data to say, yet."
    ),
    "invalid": Text(
        "자료에 문제가 있어 결과를 믿을 수 없습니다.",
        "Something is wrong with the data: the result cannot be trusted.",
    ),
    "plan": Text(
        "무엇을 할지 정하는 계획이라 판정할 것이 아직 없습니다.",
        "A plan of what to do: there is nothing to judge yet.",
    ),
    "failed": Text("노트북이 끝까지 실행되지 않았습니다.", "The notebook did not run to its end."),
}


def words_in(lang: Lang) -> dict[str, str]:
    """Return every word of a page in ``lang``, by its key."""
    return {key: text.in_(lang) for key, text in _WORDS.items()}


def without_verdict(headline: str, verdict: str, lang: Lang) -> str:
    """Return a headline without the verdict's word, which stands beside it as a chip."""
    return headline.removeprefix(f"{verdict_word(verdict, lang)}.").strip()


def chip(verdict: str, lang: Lang, code: str | None = None) -> dict[str, str]:
    """Return how a verdict (or ``"failed"``) looks: its key, word, sign and meaning.

    A plan that works out (code ``"PLAN"``) judges nothing, so it is not said that it cannot tell.
    """
    key = "plan" if code == "PLAN" else verdict
    own = _WORDS.get(f"{key}_chip")
    word = own.in_(lang) if own else verdict_word(key, lang)
    return {"key": key, "word": word, "sign": SIGNS[key], "meaning": _MEANINGS[key].in_(lang)}
