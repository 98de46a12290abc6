"""Take secrets out of command lines and arguments before anything is stored."""

import re
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Final, NamedTuple

_MARK: Final = "<secret>"

_KEYS: Final = (
    "api|access|secret|private|account|auth|encryption|signing|master|session|shared[_-]?access|shared|subscription|"
    "license|storage|service|deploy|client|consumer"
)
"""What stands before `key` where the key is a secret."""

_NAMES: Final = (
    rf"token|secret|passw(?:or)?d|passphrase|passcode|(?:{_KEYS})[_.-]?key|credentials?|"
    r"connection[_-]?string"
)
"""Words that tell a secret wherever a name ends in one: `PGPASSWORD`, `accessToken`.

Not `session-id`: coding agents take one on every start, and it opens nothing.
"""

_SHORT_NAMES: Final = "pass|pwd|pw|pin|otp|sas|sig|signature|auth|sid|jwt"
"""Words that tell one only where they stand alone: `DB_PASS`, not `compass`."""

_TELLING: Final = "token|secret|passw(?:or)?d|passphrase|passcode|key|credentials?|string"
"""The ends of those names."""

_FOLLOWED: Final = r"[\\\"'`\]\s:=%]"
"""What may stand right behind a name."""

_ASSIGNED: Final = r"\\{0,4}[\"'`]?\]?\s{0,8}(?:=>|:=|[=:]{1,2}|%3[ad])\s{0,8}"
"""What stands between a name and its value in a header, an environment, a query, JSON, YAML, TOML or a program."""

_QUOTED: Final = r"(\\{1,4}[\"'])[^\"'\\<][^\"'\\]*|(\")(?:[^\"\\<]|\\.)(?:[^\"\\]|\\.)*|(['`])[^'`<][^'`]*"
"""To the closing quote; the one that opens it is kept."""

_DASHED: Final = r"-(?:[a-z_][a-z_-]{0,31})?[0-9][a-z0-9_+/=-]{14,}"
"""Random text that starts with a dash; a switch is shorter, has words in it, or no digit."""

_SLASHED: Final = r"/(?:[a-z?-]{24,}|[a-z?-]{0,23}[^\s\"'`&;,}<>|=:a-z?-])"
"""Random text or a path that starts with a slash; not `/t`, `/savecred` or `/user:ana`."""

_VALUE: Final = rf"(?:{_QUOTED}|(?:[^\s\"'`&;,}}<>|\\=:%-]|%[^\s\"'&;,}}<3]|{_DASHED})[^\s\"'&;,}}]*)"
"""Quoted, or to what ends a word. A mark is none, so that a second pass changes nothing."""

_NEXT: Final = rf"(?:{_QUOTED}|(?:[^\s\"'`&;,}}<>|\\=:%/-]|%[^\s\"'&;,}}<3]|{_DASHED}|{_SLASHED})[^\s\"'&;,}}]*)"
"""A value that stands behind a space, where a switch may stand as well: that one is no secret."""

_EITHER: Final = r"\1\2\3\4\5\6\7\8"
"""What stood before the value and the quote that opens it, of the one half of a rule that has been met."""

_WORD: Final = r"(?:\"[^\"]+|'[^']+|[^\s\"'-][^\s\"']*)"
"""A value that only its place on the command line tells; a mark is one and stays what it is."""

_PREFIXES: Final = (
    "sk|pk|rk|gh[oprsu]|github_pat|gl[a-z]{2,5}|hf|xox[a-z]|xapp|npm|pypi|gsk|xai|do[opr]_v1|whsec|shp(?:at|ca|pa|ss)|lin_api|"
    "ntn|secret|r8|pplx|lsv2_[ps][tk]|gl(?:sa|c)|sntry[su]|dckr_(?:pat|oat)|figd|pul|fw|tskey|NRAK|GOCSPX|PMAK|"
    "sbp|nvapi|tgp_v1|fo1|rubygems|pscale_(?:tkn|pw)"
)
"""Vendors' documented prefixes of tokens."""

_BODY: Final = "[A-Za-z0-9_-]"


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    replacement: str
    exact: tuple[str, ...]
    """Texts of which one is in whatever the pattern finds, by the letter. Most lines pass most rules by these alone."""
    level: tuple[str, ...]
    """Or in what `_LEVEL` makes of it: small letters, and a blank for all that may stand behind a name."""
    outline: tuple[str, ...]
    """Or in what `_OUTLINE` leaves of it."""
    near: re.Pattern[str] | None
    """Found in the folded text wherever the pattern is; asked where the needs are common words."""


def _rule(
    pattern: str,
    replacement: str,
    *exact: str,
    level: tuple[str, ...] = (),
    outline: str = "",
    near: str = "",
    any_case: bool = False,
) -> _Rule:
    flags = re.IGNORECASE if any_case else 0
    forms = (outline,) if outline else ()
    return _Rule(re.compile(pattern, flags), replacement, exact, level, forms, re.compile(near) if near else None)


# Ordered rules in the RE2 subset (no look-around, no back-references) that never try a long stretch twice, so that each
# runs in linear time and can be generated for other engines.
_RULES: Final = (
    # Shapes before places: a place takes a mark for the value it is, a shape would cut a stretch anew.
    _rule(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b", _MARK, "AKIA", "ASIA"),
    # A digit is asked for: `hf_hub_download` and `npm_config_registry` are words.
    _rule(
        rf"\b(?:{_PREFIXES})[_-][A-Za-z_-]{{0,64}}[0-9]{_BODY}{{6,}}",
        _MARK,
        outline="-0",
        near=r"[_-][a-z_-]{0,64}[0-9][a-z0-9_-]{6}",
    ),
    _rule(
        rf"\b(?:AIza|ATATT3|ya29\.|hv[bsr]\.|1//0|dp\.[a-z]{{2,5}}\.){_BODY}[A-Za-z0-9_.=-]{{19,}}",
        _MARK,
        *("AIza", "ATATT3", "ya29.", "hv", "//", "dp."),
        near=r"(?:aiza|atatt3|ya29\.|hv[bsr]\.|1//0|dp\.[a-z]{2,5}\.)",
    ),
    _rule(r"\b(?:SK|dapi|key-)[0-9a-f]{32}", _MARK, "SK", "dapi", "key-", near=r"(?:sk|dapi|key-)[0-9a-f]{32}"),
    _rule(rf"\bSG\.{_BODY}{{16,64}}\.{_BODY}{{16,}}", _MARK, "SG."),
    _rule(rf"\beyJ{_BODY}{{6,512}}\.[A-Za-z0-9_.-]{{4,}}", _MARK, "eyJ"),
    _rule(r"AGE-SECRET-KEY-1[A-Z0-9]{20,}", _MARK, "AGE-SECRET-KEY-1"),
    _rule(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\]*",
        _MARK,
        "-----BEGIN ",
    ),
    _rule(r"(://[^\s/:@\"']{0,128}):[^\s/\"']{1,512}@", rf"\1:{_MARK}@", "//", near="@"),
    _rule(rf"(://)[A-Za-z0-9_.~%+=-]{{20,512}}((?::{_MARK})?@)", rf"\1{_MARK}\2", "//", near="@"),
    _rule(
        r"(authorization[\"']?\s{0,8}[:=]\s{0,8}[\"']?(?:(?:bearer|basic|token|digest|negotiate|ntlm|key|bot|splunk|"
        r"aws4-hmac-sha256)\s{1,8})?)(?:[^\s\"',]+,\s{0,8})*[^\s\"',]+",
        rf"\1{_MARK}",
        level=("authorization ",),
        any_case=True,
    ),
    _rule(
        r"(cookie\s{0,8}[:=]\s{0,8})(?:[^\s\"';]+;\s{0,8})*[^\s\"';]+",
        rf"\1{_MARK}",
        level=("ook",),
        near="cookie",
        any_case=True,
    ),
    _rule(
        rf"(\bbearer\s{{1,8}})(?:[a-z0-9._~+=][a-z0-9._~+/=-]{{7,}}|(?:{_DASHED}|{_SLASHED})[a-z0-9._~+/=-]*)",
        rf"\1{_MARK}",
        level=("bearer ",),
        any_case=True,
    ),
    _rule(
        r"(hooks\.slack\.com/[a-z]{1,16}/|/api/webhooks/[0-9]{1,24}/|webhook\.office\.com/)[^\s\"'<]+",
        rf"\1{_MARK}",
        level=("ook",),
        near="hook",
    ),
    _rule(rf"\b(?:bot)?[0-9]{{6,12}}:{_BODY}{{30,64}}", _MARK, outline="0:", near=r"[0-9]:[a-z0-9_-]{30}"),
    _rule(
        rf"((?:{_NAMES}){_ASSIGNED}){_VALUE}|((?:{_NAMES})\s{{1,8}}){_NEXT}",
        rf"{_EITHER}{_MARK}",
        level=("token ", "secret ", "pass", "key ", "credential", "string "),
        near=rf"(?:{_TELLING}){_FOLLOWED}",
        any_case=True,
    ),
    _rule(
        rf"((?:^|[^a-z0-9<])(?:{_SHORT_NAMES}){_ASSIGNED}|[?&#](?:key|code)=){_VALUE}|"
        rf"((?:^|\s)--?(?:{_SHORT_NAMES})\s{{1,8}}){_NEXT}",
        rf"{_EITHER}{_MARK}",
        level=(*("pass", "pw", "pin ", "otp ", "sas ", "sig", "auth ", "sid ", "jwt ", "key ", "code "),),
        near=rf"(?:{_SHORT_NAMES}|key|code){_FOLLOWED}",
        any_case=True,
    ),
    _rule(
        rf"((?:^|\s)(?:-u|-U|--user|--proxy-user)[\s=]{{1,8}}[\"']?[^\s:\"'0-9][^\s:\"']{{0,63}}:){_WORD}",
        rf"\1{_MARK}",
        level=("-u ", "user "),
        near=":",
    ),
    _rule(
        r"((?:^|\s)(?:-b|--cookie)[\s=]{1,8}[\"']?[A-Za-z0-9_.-]{1,64}=)[^\s\"']+",
        rf"\1{_MARK}",
        level=("-b ", "ook"),
        near="=",
    ),
    _rule(
        rf"(ConvertTo-SecureString\s{{1,8}}(?:-String\s{{1,8}})?){_WORD}",
        rf"\1{_MARK}",
        level=("string ",),
        near="securestring",
        any_case=True,
    ),
    _rule(r"(--from-literal[=\s][^=\s]{1,128}=)[^\s]+", rf"\1{_MARK}", "--from-literal"),
    _rule(
        rf"(\becho\s{{1,8}}(?:-n\s{{1,8}})?){_WORD}([\"']?\s{{0,8}}\|[^|]{{0,100}}--password-stdin)",
        rf"\1{_MARK}\2",
        "--password-stdin",
    ),
    _rule(
        r"(\b(?:mysql[a-z]{0,16}|mariadb|sshpass|plink|pscp|(?:docker|podman|helm|oras)\s{1,8}(?:registry\s{1,8})?login)"
        rf"(?:\.exe)?\"?(?:\s[^\n|]{{0,200}}?)??\s-(?:pw|p|w)\s{{0,8}}){_WORD}",
        rf"\1{_MARK}",
        level=("mysql", "mariadb", "pass", "plink", "pscp", "login "),
        near=r"(?:mysql|mariadb|sshpass|plink|pscp|login)",
        any_case=True,
    ),
    _rule(
        r"(\bnet1?(?:\.exe)?\"?\s{1,8}user\s{1,8}[^\s/]{1,64}\s{1,8})[^\s/\"']+",
        rf"\1{_MARK}",
        level=("user ",),
        near=r"net1?(?:\.exe)?\"?\s",
        any_case=True,
    ),
    _rule(
        r"(\bnet1?(?:\.exe)?\"?\s{1,8}use\s[^\n|]{0,200}?/user:[^\s]{1,128}\s{1,8})[^\s/\"']+",
        rf"\1{_MARK}",
        level=("use ",),
        near=r"net1?(?:\.exe)?\"?\s",
        any_case=True,
    ),
)

_Needs = tuple[tuple[str, tuple[int, ...]], ...]
"""What to look for, each with the numbers of the rules that it stands for."""


def _needs(of: Callable[[_Rule], tuple[str, ...]]) -> _Needs:
    found: dict[str, tuple[int, ...]] = {}
    for number, rule in enumerate(_RULES):
        for need in of(rule):
            found[need] = (*found.get(need, ()), number)
    return tuple(found.items())


_CAPITAL_NEEDS: Final = _needs(lambda rule: tuple(need for need in rule.exact if need != need.lower()))
"""Those that only a text with a capital letter has."""
_LEVEL_NEEDS: Final = _needs(lambda rule: (*rule.level, *(need for need in rule.exact if need == need.lower())))
_OUTLINE_NEEDS: Final = _needs(lambda rule: rule.outline)

# The question mark stands for a letter beyond ASCII, which may be a blank of another script.
_BLANK: Final = bytes((*range(9, 14), *range(28, 33), *b"\\\"'`]:=%?"))
_LEVEL: Final = bytes.maketrans(_BLANK, b" " * len(_BLANK)).lower()
_KEPT: Final = digits.encode() + b"_-:"
_OUTLINE: Final = bytes(
    number if number in b"-:" else ord("-") if number == ord("_") else ord("0") if number in _KEPT else ord(" ")
    for number in range(256)
)
"""Every digit a nought, a dash or colon itself, all else but letters a blank; letters are left out."""
_LETTERS: Final = ascii_letters.encode()
_NONE: Final[set[int]] = set()

_LIMIT: Final = 32_768
"""Characters of one text that are kept: Windows' own bound on a command line."""


def redact(text: str) -> str:
    """Return `text` without the secrets whose shape is known, at most 32,768 characters of it; idempotent.

    Blind to: a secret that looks like any other word and follows no telling name.

    >>> redact("curl -H 'Authorization: Bearer abcdef123456' https://u:pw@example.org")
    "curl -H 'Authorization: Bearer <secret>' https://u:<secret>@example.org"
    """
    text = text[:_LIMIT]
    found = _rules_for(text)
    if not found:
        return text
    folded = _folded(text)
    for number in sorted(found):
        pattern, replacement, _, _, _, near = _RULES[number]
        if near is None or near.search(folded):
            text = pattern.sub(replacement, text)
    return text[:_LIMIT]


def _rules_for(text: str) -> set[int]:
    """Return the rules of which something that they need is in the text."""
    raw = text.encode("ascii", "replace")
    folded = raw if text.isascii() else _folded(text).encode("ascii", "replace")
    # Texts, not bytes: to look for bytes in bytes takes four times as long.
    level, outline = folded.translate(_LEVEL).decode("ascii"), raw.translate(_OUTLINE, _LETTERS).decode("ascii")
    found = [rules for need, rules in _LEVEL_NEEDS if need in level]
    found += [rules for need, rules in _OUTLINE_NEEDS if need in outline]
    if text != text.lower():
        found += [rules for need, rules in _CAPITAL_NEEDS if need in text]
    return set().union(*found) if found else _NONE


def _folded(text: str) -> str:
    """Return a text in which the needs are found: every form of a letter that `re.IGNORECASE` knows is that letter."""
    folded = text.casefold()
    # The two letters i of Turkish: case folding leaves one as it is and splits the other.
    return folded if folded.isascii() else folded.replace("\u0131", "i").replace("i\u0307", "i")
