"""What makes an address professional, a company number well formed, a country ours. Pure.

The lists of providers and the public suffix list are handed in (``recruiters/data``), as are the
admins' rules; nothing here reads a file, a table or a clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

# --- Reading an address (security.md C-01) -------------------------------------------------------

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9.]+|0x[0-9a-f.x]+|.*\.(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_ADDRESS_MAX, _LOCAL_MAX, _HOST_MAX, _LABEL_MAX = 254, 64, 253, 63
"""Characters (RFC 5321, 4.5.3.1; RFC 1035, 2.3.4)."""


class EmailReason(StrEnum):
    """Why an address is refused, or must be looked at."""

    MALFORMED = "malformed"
    QUOTED = "quoted"
    IP_LITERAL = "ip_literal"
    NO_DOMAIN = "no_domain"
    FREE_MAIL = "free_mail"
    DISPOSABLE = "disposable"
    LOOKALIKE = "lookalike"
    MIXED_SCRIPT = "mixed_script"
    CONFUSABLE = "confusable"
    DENIED = "denied"
    SCHOOL = "school"


@dataclass(frozen=True)
class Address:
    """An address as it is delivered to; ``host`` is in A-labels, lower case, no trailing dot."""

    local: str
    host: str
    unicode_host: str

    @property
    def delivery(self) -> str:
        return f"{self.local}@{self.host}"

    @property
    def identity(self) -> str:
        """The address without its plus-tag, in lower case: rules B2 strips the tag for identity only."""
        return f"{self.local.partition('+')[0].lower()}@{self.host}"


def read_address(text: str) -> Address | EmailReason:  # noqa: PLR0911  (one return a reason)
    """Return the parts of ``text``, or why it is not an address this service writes to.

    One parser for registration and admin rules (C-01): an ASCII dot-atom, one ASCII ``@``, a host name
    of at least two labels. Upper case, compatibility forms (full-width letters, ideographic dots) and
    one trailing dot of the host are normalised as UTS #46 does; invisible and control characters,
    quotes, comments and IP literals are refused rather than repaired.
    """
    if len(text) > _ADDRESS_MAX or any(unicodedata.category(c)[0] in "CZ" for c in text.replace(" ", "")):
        return EmailReason.MALFORMED
    if '"' in text or "(" in text or "\\" in text:
        return EmailReason.QUOTED
    local, at, host = text.rpartition("@")
    if not at or "@" in local or " " in text or not _LOCAL.fullmatch(local) or len(local) > _LOCAL_MAX:
        return EmailReason.MALFORMED
    if host.startswith("["):
        return EmailReason.IP_LITERAL
    unicode_host = unicodedata.normalize("NFKC", host.translate(_DOTS)).lower().removesuffix(".")
    if _NUMBERS.fullmatch(unicode_host):
        return EmailReason.IP_LITERAL
    labels = [_label(label) for label in unicode_host.split(".")]
    pairs = [pair for pair in labels if pair is not None]
    ascii_host = ".".join(ascii_label for ascii_label, _ in pairs)
    if len(labels) == 1 or len(pairs) < len(labels) or len(ascii_host) > _HOST_MAX:
        return EmailReason.MALFORMED
    return Address(local, ascii_host, ".".join(label for _, label in pairs))


def _label(label: str) -> tuple[str, str] | None:
    """Return a host label as (A-label, U-label), or None when it is neither."""
    if label.startswith("xn--"):
        try:
            decoded = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return None
        known = None if decoded.isascii() or decoded.startswith("xn--") else _label(decoded)
        return known if known is not None and known[0] == label else None
    if not label or label.startswith("-") or label.endswith("-") or label[2:4] == "--":
        return None
    if label != unicodedata.normalize("NFKC", label).lower() or unicodedata.combining(label[0]):
        return None
    if not all(c == "-" or unicodedata.category(c) in {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"} for c in label):
        return None
    encoded = label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
    return (encoded, label) if len(encoded) <= _LABEL_MAX else None


# --- Look-alikes ---------------------------------------------------------------------------------

_LOOKS = str.maketrans(
    {
        look: letter
        for letter, looks in {
            "a": "аɑα", "b": "Ьƅᖯ", "c": "сϲᴄƈ", "d": "ԁɗđð", "e": "еєҽɛℯ", "f": "ƒẝ", "g": "ɡցɢǥ",
            "h": "һհħ",
            "i": "ıіɩιɪ", "j": "јϳȷ", "k": "κкᴋƙ", "l": "ӏłƚǀɭ|ⅼ", "m": "мᴍɱ", "n": "ոпղɴηŋ", "o": "оοօөɵøσ",
            "p": "рρƿϱ", "q": "ԛգ", "r": "гᴦʀɾ", "s": "ѕʂꜱſ", "t": "тτŧᴛ", "u": "υսʋᴜ", "v": "νѵᴠ",
            "w": "ԝшѡɯω",
            "x": "хχ×", "y": "уүγʏ", "z": "ᴢʐƶ", "ae": "æ", "oe": "œ", "ss": "ß",
        }.items()
        for look in looks
    }
)  # fmt: skip
_DIGIT_LOOKS = str.maketrans({"0": "o", "1": "l", "5": "s"})
_ASCII_TARGETS = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr",
    "hotmail.co.uk", "live.com", "live.fr", "yahoo.com", "yahoo.fr", "yahoo.co.uk", "icloud.com",
    "orange.fr", "wanadoo.fr", "laposte.net", "free.fr", "sfr.fr", "bbox.fr", "proton.me", "protonmail.com",
    "btinternet.com", "comcast.net", "verizon.net",
})  # fmt: skip
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "LATIN"})


def skeleton(host: str) -> str:
    """Return what ``host`` looks like in plain ASCII letters, as far as that is known."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", host) if not unicodedata.combining(c))
    return bare.translate(_LOOKS).lower()


def _ascii_skeleton(host: str) -> str:
    return skeleton(host).translate(_DIGIT_LOOKS).replace("rn", "m").replace("vv", "w").replace("l", "i")


def _scripts(label: str) -> set[str]:
    return {unicodedata.name(c, "?").split(" ")[0] for c in label if unicodedata.category(c)[0] == "L"}


def _is_mixed(label: str) -> bool:
    scripts = _scripts(label)
    return len(scripts) > 1 and not scripts <= _EAST_ASIAN


@dataclass(frozen=True)
class ProviderLists:
    """The facts a verdict rests on: who offers mailboxes to anyone, and where a domain ends."""

    free: frozenset[str]
    disposable: frozenset[str]
    schools: frozenset[str]
    registrable: Callable[[str], str | None]
    skeletons: frozenset[str]
    ascii_skeletons: frozenset[str]

    @classmethod
    def of(
        cls,
        free: Iterable[str],
        disposable: Iterable[str],
        schools: Iterable[str],
        registrable: Callable[[str], str | None],
    ) -> ProviderLists:
        free, disposable = frozenset(free), frozenset(disposable)
        return cls(
            free, disposable, frozenset(schools), registrable,
            skeletons=free | disposable,
            ascii_skeletons=frozenset(_ascii_skeleton(domain) for domain in _ASCII_TARGETS),
        )  # fmt: skip

    def is_open_to_anyone(self, domain: str) -> bool:
        """Whether ``domain`` can never be a company's own (B3: it does not become known for one)."""
        return any(parent in self.free or parent in self.disposable for parent in _upwards(domain, domain))


def _upwards(host: str, registrable: str) -> list[str]:
    """Return ``host`` and its parents down to the registrable domain, nearest first."""
    extra = host.removesuffix(registrable).rstrip(".").split(".") if host != registrable else []
    return [".".join([*extra[index:], registrable]) for index in range(len(extra) + 1)]


# --- The verdict ---------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What follows from an address."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    REVIEW = "review"


class RuleVerdict(StrEnum):
    """An admin's word on a domain or one address."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True)
class EmailVerdict:
    """Allowed, refused or for review; with the reason, the address read and its domain."""

    outcome: Outcome
    reason: EmailReason | None = None
    address: Address | None = None
    domain: str | None = None


_SCHOOL_SUFFIX = re.compile(r"(?:^|\.)(?:edu|university|college|school|mba)$|\.(?:edu|ac|sch|k12)\.[a-z]{2}$"
                            r"|\.k12\.[a-z]{2}\.us$|\.cc\.[a-z]{2}\.us$")  # fmt: skip
_SCHOOL_LABEL = re.compile(
    r"^(?:ac|univ|u|uni|universite|university|iut|iae|insa|enseirb|ens|ecole|lycee|college|cfa|mfr|iufm|inspe|crous|"
    r"etu|etud|etudiant|student|students|alumni)-.+|^univ.*|^lycee.*|^etudiants?$|^students?$|^alumni$"
)


def is_school(host: str, registrable: str, schools: frozenset[str]) -> bool:
    """Whether the host is a school's or a university's, where staff and students share the domain."""
    if registrable in schools or _SCHOOL_SUFFIX.search(host):
        return True
    labels = host.split(".")
    return labels[-1] == "fr" and any(_SCHOOL_LABEL.match(label) for label in labels[:-1])


def professional_email_verdict(
    text: str, providers: ProviderLists, rules: Mapping[str, RuleVerdict] = MappingProxyType({})
) -> EmailVerdict:
    """Return whether ``text`` is a professional address (B2; security.md C-01).

    ``rules`` are the admins' words by registrable domain, host or identity; the most exact one wins
    over the lists, but no rule makes an unreadable address or a look-alike acceptable. A domain is
    judged by itself and its parents down to the registrable domain.
    """
    address = read_address(text)
    if isinstance(address, EmailReason):
        return EmailVerdict(Outcome.REFUSED, address)
    domain = providers.registrable(address.host)
    if domain is None:
        return EmailVerdict(Outcome.REFUSED, EmailReason.NO_DOMAIN, address)
    levels = _upwards(address.host, domain)
    refusal = _look(address, domain, providers)
    rule = next((rules[key] for key in (address.identity, *levels) if key in rules), None)
    if refusal is None and rule is RuleVerdict.ALLOW:
        return EmailVerdict(Outcome.ALLOWED, None, address, domain)
    if rule is RuleVerdict.DENY:
        refusal = EmailReason.DENIED
    elif any(level in providers.disposable for level in levels):
        refusal = EmailReason.DISPOSABLE
    elif any(level in providers.free for level in levels):
        refusal = EmailReason.FREE_MAIL
    if refusal is not None:
        return EmailVerdict(Outcome.REFUSED, refusal, address, domain)
    if is_school(address.host, domain, providers.schools):
        return EmailVerdict(Outcome.REVIEW, EmailReason.SCHOOL, address, domain)
    return EmailVerdict(Outcome.ALLOWED, None, address, domain)


def _look(address: Address, domain: str, providers: ProviderLists) -> EmailReason | None:
    """Return why the host is made to look like another one, if it is."""
    labels = address.unicode_host.split(".")
    if any(_is_mixed(label) for label in labels):
        return EmailReason.MIXED_SCRIPT
    shown = ".".join(labels[-domain.count(".") - 1 :])
    if not shown.isascii() and skeleton(shown) in providers.skeletons:
        return EmailReason.LOOKALIKE
    if domain not in _ASCII_TARGETS and _ascii_skeleton(shown) in providers.ascii_skeletons:
        return EmailReason.LOOKALIKE
    if any(_is_whole_script_confusable(label) for label in labels):
        return EmailReason.CONFUSABLE
    return None


def _is_whole_script_confusable(label: str) -> bool:
    """Whether a label without one Latin letter reads as a Latin word (``раураӏ``)."""
    return not label.isascii() and "LATIN" not in _scripts(label) and skeleton(label).isascii()


# --- Companies -----------------------------------------------------------------------------------

_TERRITORY = frozenset({"FR", "GB", "US"})
_OVERSEAS = frozenset({"GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF"})
_US_TERRITORIES = frozenset({"PR", "GU", "VI", "AS", "MP", "UM"})


def territory_of(code: str, *, with_us_territories: bool = False) -> str | None:
    """Return the country of the Territory a code of ISO 3166-1 belongs to, else None (C-02).

    Overseas France folds into ``FR``; Jersey, Guernsey, the Isle of Man and Gibraltar are not the
    United Kingdom; the territories of the United States are out unless the setting says in.
    """
    upper = code.upper()
    if upper in _OVERSEAS:
        return "FR"
    if upper in _US_TERRITORIES and with_us_territories:
        return "US"
    return upper if upper in _TERRITORY else None


_SIREN_LA_POSTE = "356000000"
_COMPANIES_HOUSE = re.compile(
    r"(?:[0-9]{8}|(?:AC|CE|CS|FC|FE|GE|GN|GS|IC|LP|NA|NC|NF|NI|NL|NP|NV|NZ|OC|OE|PC|RC|SA|SC|SE|SF|SG|SI|SL|SO|SR|SZ|"
    r"ZC)[0-9]{6}|R[0-9]{7}|(?:IP|NO|RS|SP)[0-9]{5}[0-9R])"
)
_EIN_NEVER = frozenset({0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97})


def _luhn(digits: str) -> bool:
    values = (int(d) * (1 + index % 2) for index, d in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in values) % 10 == 0


def _siren(text: str) -> str | None:
    digits = re.sub(r"[\s.\u00a0-]", "", text)
    if not re.fullmatch(r"[0-9]{9}|[0-9]{14}", digits):
        return None
    siren = digits[:9]
    if siren == "000000000" or not _luhn(siren):
        return None
    # La Poste numbers its thousands of offices by a plain sum of digits instead.
    is_office = siren == _SIREN_LA_POSTE and sum(map(int, digits)) % 5 == 0
    return siren if digits == siren or _luhn(digits) or is_office else None


def _companies_house(text: str) -> str | None:
    compact = re.sub(r"[\s.\u00a0-]", "", text).upper()
    if re.fullmatch(r"[0-9]{6,8}", compact):
        compact = compact.zfill(8)
    return compact if _COMPANIES_HOUSE.fullmatch(compact) and compact.strip("0") else None


def _ein(text: str) -> str | None:
    match = re.fullmatch(r"([0-9]{2})[- ]?([0-9]{7})", text.strip())
    if match is None or int(match[1]) in _EIN_NEVER:
        return None
    return f"{match[1]}-{match[2]}"


def normalised_registration_number(country: str, text: str) -> str | None:
    """Return the number in its one form, or None when it is none of that country (B1).

    France: SIREN, or a SIRET folded to its SIREN (both checksums). United Kingdom: Companies House
    format, zeros restored. United States: EIN with a prefix the tax office has issued.
    """
    reader = {"FR": _siren, "GB": _companies_house, "US": _ein}.get(country)
    return reader(text) if reader is not None and text.isascii() | ("\u00a0" in text) else None
