"""Take secrets out of command lines and arguments before anything is stored."""

import re

_MARK = "<secret>"

# Ordered rules in the RE2 subset (no look-around, no back-references), so that each runs in linear time and can be
# generated for other engines. The vendors document the prefixes; lengths are lower bounds.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)([a-z][a-z0-9+.\-]{1,20}://[^\s/:@\"']{0,128}):[^\s/@\"']{1,512}@"), rf"\1:{_MARK}@"),
    (
        re.compile(
            r"(?i)(\b(?:authorization|proxy-authorization)\s*[:=]\s*(?:bearer|basic|token)?\s*)[^\s\"']{4,4096}"
        ),
        rf"\1{_MARK}",
    ),
    (re.compile(r"(?i)(\bbearer\s+)[a-z0-9._~+/=\-]{8,4096}"), rf"\1{_MARK}"),
    (
        re.compile(
            r"(?i)((?:^|[\s\"'/&?;,{\-_])(?:[a-z0-9]{1,32}[_\-]){0,4}"
            r"(?:token|secret|password|passwd|pwd|passphrase|api[_\-]?key|apikey|access[_\-]?key|private[_\-]?key|"
            r"client[_\-]?secret|credential|sas|sig)"
            r"\"?(?:\s*[=:]\s*|\s+)\"?'?)(?:[^\s\"'&;,}<\-][^\s\"'&;,}]{0,4095})"
        ),
        rf"\1{_MARK}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,32}\b"), _MARK),
    (re.compile(r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_\-]{12,512}"), _MARK),
    (
        re.compile(
            r"\b(?:ghp|gho|ghu|ghs|ghr|github_pat|glpat|hf|xox[abeoprs]|npm|pypi|gsk|xai|dop_v1)[_\-][A-Za-z0-9_\-]{10,512}"
        ),
        _MARK,
    ),
    (re.compile(r"\bAIza[0-9A-Za-z_\-]{20,64}"), _MARK),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]{6,4096}\.[A-Za-z0-9_\-]{4,4096}(?:\.[A-Za-z0-9_\-]{0,4096})?"), _MARK),
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,8192}"), _MARK),
)

_LIMIT = 32_768
"""Characters of one text that are kept: Windows' own bound on a command line."""


def redact(text: str) -> str:
    """Return `text` without the secrets whose shape is known, at most 32,768 characters of it; idempotent.

    Blind to: a secret that looks like any other word and follows no telling name.

    >>> redact("curl -H 'Authorization: Bearer abcdef123456' https://u:pw@example.org")
    "curl -H 'Authorization: Bearer <secret>' https://u:<secret>@example.org"
    """
    text = text[:_LIMIT]
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text[:_LIMIT]
