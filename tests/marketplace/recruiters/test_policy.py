"""Professional e-mail, the Territory, company numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.policy import (
    Address,
    EmailReason,
    Outcome,
    RuleVerdict,
    normalised_registration_number,
    professional_email_verdict,
    read_address,
    skeleton,
    territory_of,
)

LISTS = provider_lists()

FREE = """
a@gmail.com a@GMAIL.com a@Gmail.Com A.B@GMAIL.COM a@gmail.com. a@GMAIL.com. a+x@gmail.com a@googlemail.com
a@mail.gmail.com a@x.y.gmail.com a@orange.fr a@laposte.net a@free.fr a@sfr.fr a@wanadoo.fr a@hotmail.co.uk
a@hotmail.fr a@hotmail.com a@btinternet.com a@yahoo.com a@yahoo.fr a@yahoo.co.uk a@proton.me a@protonmail.com
a@pm.me a@gmx.de a@gmx.fr a@gmx.com a@outlook.com a@outlook.fr a@live.fr a@live.co.uk a@msn.com a@icloud.com
a@me.com a@mac.com a@aol.com a@zoho.com a@yandex.com a@mail.ru a@bbox.fr a@numericable.fr a@club-internet.fr
a@aliceadsl.fr a@cegetel.net a@talktalk.net a@tutanota.com a@tuta.com a@hey.com a@mailo.com a@neuf.fr
a@noos.fr
a@voila.fr a@caramail.com a@t-online.de a@web.de a@libero.it a@comcast.net a@verizon.net a@att.net
a@sbcglobal.net a@bellsouth.net a@cox.net a@charter.net a@optonline.net a@earthlink.net a@virginmedia.com
a@sky.com a@ntlworld.com a@blueyonder.co.uk a@tiscali.co.uk a@talk21.com a@qq.com a@163.com a@fastmail.com
a@posteo.de a@mailbox.org a@duck.com a@mozmail.com a@privaterelay.appleid.com a@simplelogin.com a@passmail.net
a@anonaddy.me a@consultant.com a@engineer.com a@mail.com a@email.com a@usa.com a@rocketmail.com a@ymail.com
a@ｇｍａｉｌ.com a@gmail．com a@gmail。com a@gmail｡com a@ｆｒｅｅ.fr a@smtp.orange.fr a@tutamail.com
a@nordnet.fr
a@mail.plus.com a@skynet.be a@telenet.be a@bluewin.ch
"""

DISPOSABLE = """
a@mailinator.com a@yopmail.com a@yopmail.fr a@guerrillamail.com a@10minutemail.com a@temp-mail.org
a@jetable.org
a@x.mailinator.com a@YOPMAIL.com. a@trashmail.com a@sharklasers.com a@maildrop.cc
"""

LOOKALIKE = """
a@gmaıl.com a@gmaïl.com a@gmàil.com a@xn--gmal-nza.com a@xn--gmil-1na.com a@mail.gmaıl.com a@orangé.fr
a@ɡmail.com
a@yahoô.fr a@hotmaíl.com a@gmai1.com a@0utlook.com a@0range.fr a@hotrnail.com a@yah00.com a@wanad00.fr
a@outl00k.com
"""

MIXED = """
a@gmаil.com a@gmаil.com. a@оrange.fr a@yаhoo.com a@асme.fr a@xn--gmil-63d.com a@acmé-груп.fr a@fоo.co.uk
a@αcme.fr a@gmail.сom
"""

CONFUSABLE = "a@раураӏ.com a@xn--80ak6aa92e.com a@соса.fr a@ѕсоре.co.uk"

IP = """
a@[1.2.3.4] a@[IPv6:::1] a@1.2.3.4 a@127.0.0.1. a@0x7f000001 a@2130706433 a@１.２.３.４ a@[x
"""

QUOTED = [
    '"a b"@x.fr',
    '"a"@x.fr',
    "a(comment)@x.fr",
    "a@(c)x.fr",
    "a\\@b@x.fr",
    '"a@b"@acme.fr',
    '"a"b@acme.fr',
]

NO_DOMAIN = "a@co.uk a@ac.uk a@gouv.fr a@github.io"

MALFORMED = [
    "", "a", "@", "a@", "@acme.fr", "a@@acme.fr", "a@b@acme.fr", "a＠acme.fr", "a＠gmail.com", "a b@acme.fr",
    "a@acme .fr", " a@acme.fr", "a@acme.fr ", "a@acme.fr\r\n", "a@acme.fr\nBcc: b@x.fr", "a\r\nb@acme.fr",
    "a\x00@acme.fr", "a@acme\x00.fr", "a@acme.fr\x00", "a\u200f@acme.fr", "a@ac\u200eme.fr",
    "a@acme\u202e.fr",
    "a@ac\u200bme.fr", "a@ac\u00adme.fr", "a@acme\u2060.fr", "a\ufeff@acme.fr", "a@acme\u00a0.fr",
    "a\t@acme.fr",
    "a@acme", "a@localhost", "a@.fr", "a@acme..fr", "a@acme.fr..", "a@-acme.fr", "a@acme-.fr", "a@ac_me.fr",
    "a@acme.fr/x", "a@acme.fr:25", "a@acme!fr", ".a@acme.fr", "a.@acme.fr", "a..b@acme.fr", "é@orange.fr",
    "é@acme.fr", "a,b@acme.fr", "a;b@acme.fr", "<a@acme.fr>", "A <a@acme.fr>", "a@acme.fr,b@acme.fr",
    "a@ab--cd.fr", "a@xn--.fr", "a@xn--a.fr", "a@xn--zzzzzzzzzzzz99.fr", "a@xn--acme-.fr", "a@ac%me.fr",
    "a@acme.fr?", "a@acme☃.fr", "a@\u0301acme.fr", "x" * 65 + "@acme.fr", "a@" + "x" * 64 + ".fr",
    "a@" + ".".join(["x" * 63] * 4) + ".fr", "a@" + "é" * 60 + ".fr", "a@acme.fr\u2028", "\ud800@acme.fr",
    "a@xn--gmail-.com", "a@xn--ACME.fr",
]  # fmt: skip

SCHOOL = """
a@ox.ac.uk a@cs.ox.ac.uk a@harvard.edu a@cs.mit.edu a@hec.edu a@ac-paris.fr a@ac-lyon.fr a@univ-lyon1.fr
a@etu.univ-nantes.fr a@u-paris.fr a@iut-orsay.fr a@insa-lyon.fr a@lycee-hoche.fr a@cfa-afia.fr
a@sorbonne-universite.fr
a@polytechnique.fr a@sciencespo.fr a@epitech.eu a@nus.edu.sg a@hill.lancs.sch.uk a@pps.k12.or.us a@acme.school
a@UNIV-LILLE.FR a@dauphine.psl.eu a@42.fr a@ecole-boulle.fr
"""

ALLOWED = """
a@acme.fr a+x@acme.fr A.B@ACME.FR a@acme.fr. a@gmail.com.evil.fr a@notgmail.com a@gmail-corp.fr
a@mygmail.co.uk
a@facebook.com a@total.com a@bt.com a@free.com a@example.com a@cox.com a@google.com a@microsoft.com
a@apple.com
a@orange.com a@sfr.com a@bouyguestelecom.fr a@sncf.fr a@edf.fr a@renault.com a@airbus.com a@bbc.co.uk
a@nhs.net
a@justice.gouv.fr a@ville-lyon.fr a@gov.uk.acme.co.uk a@digital.cabinet-office.gov.uk a@nasa.gov a@ford.com
a@société-générale.fr a@xn--socit-gnrale-bebb8p.fr a@boulangerie-éloi.fr a@Ａcme.fr a@acme。fr a@a1.fr
a@1and1.com
a@3m.com a@x.fr o'neil@acme.co.uk a_b@acme.fr a-b@acme.us a@mail.acme.fr a@acme.paris a@acme.bzh a@acme.re
a@straße.de a@gmaily.com a@rn.fr a@live-nation.fr a@free-mobile.fr a@laposte.fr a@uni.com a@unicredit.fr
a@univers.com
a@sport-college.com a@ac.com
"""

TABLE = [
    *((a, Outcome.REFUSED, EmailReason.FREE_MAIL) for a in FREE.split()),
    *((a, Outcome.REFUSED, EmailReason.DISPOSABLE) for a in DISPOSABLE.split()),
    *((a, Outcome.REFUSED, EmailReason.LOOKALIKE) for a in LOOKALIKE.split()),
    *((a, Outcome.REFUSED, EmailReason.MIXED_SCRIPT) for a in MIXED.split()),
    *((a, Outcome.REFUSED, EmailReason.CONFUSABLE) for a in CONFUSABLE.split()),
    *((a, Outcome.REFUSED, EmailReason.IP_LITERAL) for a in IP.split()),
    *((a, Outcome.REFUSED, EmailReason.QUOTED) for a in QUOTED),
    *((a, Outcome.REFUSED, EmailReason.NO_DOMAIN) for a in NO_DOMAIN.split()),
    *((a, Outcome.REFUSED, EmailReason.MALFORMED) for a in MALFORMED),
    *((a, Outcome.REVIEW, EmailReason.SCHOOL) for a in SCHOOL.split()),
    *((a, Outcome.ALLOWED, None) for a in ALLOWED.split()),
]


@pytest.mark.parametrize(("address", "outcome", "reason"), TABLE, ids=[ascii(row[0])[:60] for row in TABLE])
def test_professional_email(address, outcome, reason):
    """B2: free, disposable, disguised and unreadable addresses are refused with the reason; schools
    reviewed."""
    verdict = professional_email_verdict(address, LISTS)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_the_table_is_long_enough():
    """C-01: two hundred rows and more, none twice."""
    assert len({row[0] for row in TABLE}) == len(TABLE) >= 200


def test_plus_tag_is_stripped_for_identity_only():
    """B2: a plus-tag is stripped for identity, not refused, and mail is still delivered to it."""
    address = read_address("Ada+jobs@Acme.FR")
    assert isinstance(address, Address)
    assert (address.delivery, address.identity) == ("Ada+jobs@acme.fr", "ada@acme.fr")


@pytest.mark.parametrize(
    ("rules", "address", "outcome"),
    [
        ({"tiny-isp.fr": RuleVerdict.DENY}, "a@tiny-isp.fr", Outcome.REFUSED),
        ({"tiny-isp.fr": RuleVerdict.DENY}, "a@mail.tiny-isp.fr", Outcome.REFUSED),
        ({"tiny-isp.fr": RuleVerdict.DENY}, "a@other.fr", Outcome.ALLOWED),
        ({"neuf.fr": RuleVerdict.ALLOW}, "a@neuf.fr", Outcome.ALLOWED),
        ({"ada@gmail.com": RuleVerdict.ALLOW}, "Ada+x@gmail.com", Outcome.ALLOWED),
        ({"ada@gmail.com": RuleVerdict.ALLOW}, "bob@gmail.com", Outcome.REFUSED),
        ({"univ-lyon1.fr": RuleVerdict.ALLOW}, "a@univ-lyon1.fr", Outcome.ALLOWED),
        ({"acme.fr": RuleVerdict.ALLOW, "eve@acme.fr": RuleVerdict.DENY}, "eve@acme.fr", Outcome.REFUSED),
        ({"acme.fr": RuleVerdict.DENY, "ada@acme.fr": RuleVerdict.ALLOW}, "ada@acme.fr", Outcome.ALLOWED),
        ({"acme.fr": RuleVerdict.DENY, "hr.acme.fr": RuleVerdict.ALLOW}, "a@hr.acme.fr", Outcome.ALLOWED),
        ({"xn--gmal-nza.com": RuleVerdict.ALLOW}, "a@gmaıl.com", Outcome.REFUSED),
    ],
)  # fmt: skip
def test_admin_rules_override_the_lists(rules, address, outcome):
    """B2: an admin can allow or deny a domain, or one address; the most exact word wins; no look-alike
    passes."""
    assert professional_email_verdict(address, LISTS, rules).outcome is outcome


@settings(deadline=None)  # a busy machine is no fault of the rule
@given(st.text(max_size=80))
def test_any_text_gets_a_verdict(text):
    """B2: whatever is typed, the answer is a verdict and never an error."""
    assert professional_email_verdict(text, LISTS).outcome in Outcome
    assert professional_email_verdict(f"a@{text}", LISTS).outcome in Outcome


@settings(deadline=None)  # a busy machine is no fault of the rule
@given(st.sampled_from(sorted(LISTS.free)), st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True))
def test_every_listed_provider_is_refused_with_its_subdomains(domain, label):
    """B2: free-mail domains are refused, and so are sub-domains of them, in any case."""
    for host in (domain, domain.upper(), f"{label}.{domain}"):
        assert professional_email_verdict(f"a@{host}", LISTS).outcome is Outcome.REFUSED


@settings(deadline=None)  # a busy machine is no fault of the rule
@given(st.sampled_from(["gmail.com", "orange.fr", "outlook.com", "laposte.net", "hotmail.co.uk"]), st.data())
def test_accents_on_a_provider_never_pass(domain, data):
    """B2: a provider's name with any letter accented is refused, as typed and in punycode."""
    place = data.draw(st.sampled_from([i for i, c in enumerate(domain.split(".")[0]) if c in "aeiounlgtc"]))
    accents = dict(zip("aeiounlgtc", "àéıøüñłğţç", strict=True))
    dressed = domain[:place] + accents[domain[place]] + domain[place + 1 :]
    verdict = professional_email_verdict(f"a@{dressed}", LISTS)
    assert verdict.reason is EmailReason.LOOKALIKE
    assert verdict.address is not None
    assert professional_email_verdict(verdict.address.delivery, LISTS).reason is EmailReason.LOOKALIKE


def test_the_vendored_list_is_sorted_and_clean():
    """B2: the data file is one sorted A-label a line, without public suffixes, disposable ones or
    employers."""
    from importlib.resources import files

    lines = files("marketplace.recruiters.data").joinpath("free_mail_domains.txt").read_text().splitlines()
    assert lines == sorted(set(lines))
    assert len(lines) > 5000
    assert all(line.isascii() and LISTS.registrable(line) for line in lines)
    assert not {"facebook.com", "total.com", "bt.com", "free.com", "example.com"} & set(lines)


def test_what_can_never_be_a_companys_own():
    """B3: a provider's domain does not become known for a company, whatever rule let one address in."""
    assert LISTS.is_open_to_anyone("gmail.com")
    assert LISTS.is_open_to_anyone("yopmail.com")
    assert not LISTS.is_open_to_anyone("acme.fr")


def test_skeleton_is_stable():
    """C-01: a plain ASCII name looks like itself."""
    assert skeleton("gmail.com") == "gmail.com"
    assert skeleton("gmaıl.com") == "gmail.com"


ISO_3166 = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
BY BZ CA CC
CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD
GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
JP KE KG KH
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
MT MU MV MW
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU
RW SA SB SC
SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA
UG UM US UY
UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""


CODES = ISO_3166.split()


def test_territory_over_all_country_codes():
    """B1, C-02: of 249 codes FR and its twelve overseas codes, GB and US are in; nothing else."""
    assert len(set(CODES)) == 249
    inside = {code: territory_of(code) for code in CODES if territory_of(code)}
    french = {"FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF"}
    assert inside == dict.fromkeys(french, "FR") | {"GB": "GB", "US": "US"}
    american = {code for code in CODES if territory_of(code, with_us_territories=True) == "US"}
    assert american == {"US", "PR", "GU", "VI", "AS", "MP", "UM"}
    assert territory_of("fr") == "FR"
    assert not any(territory_of(code) for code in ("JE", "GG", "IM", "GI", "UK", "", "XX"))


@pytest.mark.parametrize(
    ("country", "given", "normalised"),
    [
        ("FR", "732829320", "732829320"), ("FR", "732 829 320", "732829320"),
        ("FR", "73282932000074", "732829320"),
        ("FR", "732 829 320 00074", "732829320"), ("FR", "732829321", None), ("FR", "73282932000075", None),
        ("FR", "73282932100074", None), ("FR", "000000000", None), ("FR", "00000000000000", None),
        ("FR", "", None),
        ("FR", "12345678", None), ("FR", "1234567890", None), ("FR", "٧٣٢٨٢٩٣٢٠", None), ("FR", "abc", None),
        ("FR", "356000000", "356000000"), ("FR", "35600000000048", "356000000"),
        ("FR", "35600000049837", "356000000"), ("FR", "35600000049838", None),
        ("FR", "552\u00a0100\u00a0554", "552100554"), ("FR", "552-100-554", "552100554"),
        ("GB", "00445790", "00445790"), ("GB", "445790", "00445790"), ("GB", "sc123456", "SC123456"),
        ("GB", "OC 301540", "OC301540"), ("GB", "NI012345", "NI012345"), ("GB", "R0000001", "R0000001"),
        ("GB", "IP12345R", "IP12345R"), ("GB", "RS007018", "RS007018"), ("GB", "CE000001", "CE000001"),
        ("GB", "XX123456", None), ("GB", "SC12345", None), ("GB", "123456789", None),
        ("GB", "00000000", None),
        ("GB", "12345", None), ("GB", "IP1234RR", None), ("GB", "", None),
        ("US", "12-3456789", "12-3456789"), ("US", "123456789", "12-3456789"),
        ("US", "12 3456789", "12-3456789"),
        ("US", "00-1234567", None), ("US", "07-1234567", None), ("US", "89-1234567", None),
        ("US", "99-1234567", "99-1234567"),
        ("US", "1-23456789", None), ("US", "12-345678", None), ("US", "123-456789", None), ("US", "", None),
        ("DE", "732829320", None),
    ],
)  # fmt: skip
def test_company_numbers(country, given, normalised):
    """B1: SIREN/SIRET checksum (La Poste's offices included), Companies House format, EIN format and
    prefix."""
    assert normalised_registration_number(country, given) == normalised


@settings(deadline=None)  # a busy machine is no fault of the rule
@given(st.from_regex(r"[0-9]{9}", fullmatch=True), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(siren, place, change):
    """B1: a SIREN with any single digit changed fails its checksum."""
    wrong = siren[:place] + str((int(siren[place]) + change) % 10) + siren[place + 1 :]
    assert (
        normalised_registration_number("FR", siren) is None
        or normalised_registration_number("FR", wrong) is None
    )


@settings(deadline=None)  # a busy machine is no fault of the rule
@given(st.sampled_from(["FR", "GB", "US"]), st.text(max_size=20))
def test_normalising_twice_changes_nothing(country, text):
    """B1: a normalised number is in its one form."""
    number = normalised_registration_number(country, text)
    assert number is None or normalised_registration_number(country, number) == number
