"""The mail port: one contract, every adapter that needs no server."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from marketplace.errors import UnavailableError
from marketplace.mail import FolderMailer, Mail, MailSink, SmtpMailer, compose

SENDER = "Talent Marketplace <no-reply@marketplace.example>"
MAIL = Mail(
    to="lina@people.example",
    subject="Votre CV a été lu",
    text="Bonjour Lina,\n\nà bientôt.",
    language="fr",
)


def test_a_mail_is_composed_with_its_language() -> None:
    """Accents survive, the language is stated, no automatic answer is asked for."""
    message = message_from_bytes(compose(MAIL, SENDER).as_bytes(), policy=default)
    assert message["Subject"] == MAIL.subject
    assert message["Content-Language"] == "fr"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n").strip() == MAIL.text


def test_line_breaks_cannot_add_a_recipient() -> None:
    """W-05: text in a header stays one header."""
    message = compose(Mail("a@b.example", "Hi\r\nBcc: evil@e.example", "x"), SENDER)
    assert message["Bcc"] is None
    with pytest.raises(ValueError, match=r"linefeed|carriage return|newline"):
        compose(Mail("a@b.example\r\nBcc: evil@e.example", "Hi", "x"), SENDER)


def test_the_folder_keeps_whole_mails(tmp_path: Path) -> None:
    """Each mail is one private file, visible only when complete."""
    FolderMailer(tmp_path / "mail", SENDER).send(MAIL)
    (path,) = (tmp_path / "mail").iterdir()
    assert path.suffix == ".eml"
    assert "Lina" in message_from_bytes(path.read_bytes(), policy=default).get_content()


def test_the_sink_finds_by_address() -> None:
    """The tests' mailer keeps what was sent."""
    sink = MailSink()
    sink.send(MAIL)
    assert sink.to("lina@people.example") == [MAIL]
    assert sink.to("other@people.example") == []


def test_a_mail_server_that_is_away_is_unavailable() -> None:
    """F-06: nothing is lost, the caller tries again."""
    with pytest.raises(UnavailableError):
        SmtpMailer("smtp://127.0.0.1:1", SENDER).send(MAIL)


def test_the_folder_forgets_one_address(tmp_path: Path) -> None:
    """B6: the mails to a purged person go, however the address was written; others' mails stay."""
    mailer = FolderMailer(tmp_path / "mail", "no-reply@marketplace.example")
    assert mailer.forget("gone@acme.fr") == 0
    for address in ("gone@acme.fr", "Gone@acme.fr", "gone@acme.fr.example", "stays@acme.fr"):
        mailer.send(Mail(to=address, subject="gone@acme.fr", text="gone@acme.fr"))
    assert mailer.forget("gone@acme.fr") == 2
    left = [path.read_text() for path in (tmp_path / "mail").glob("*.eml")]
    assert sorted(line for text in left for line in text.splitlines() if line.startswith("To: ")) == [
        "To: gone@acme.fr.example", "To: stays@acme.fr",
    ]  # fmt: skip


def test_a_server_and_a_sink_keep_what_is_theirs_only() -> None:
    """B6, F2: SMTP keeps nothing to forget; the sink of the tests forgets one address."""
    smtp = SmtpMailer("smtp://localhost:25", "no-reply@marketplace.example")
    assert smtp.forget("gone@acme.fr") == smtp.expire(datetime(2027, 1, 1, tzinfo=UTC)) == 0
    sink = MailSink()
    for address in ("gone@acme.fr", "stays@acme.fr"):
        sink.send(Mail(to=address, subject="x", text="x"))
    assert (sink.forget("gone@acme.fr"), [mail.to for mail in sink.sent]) == (1, ["stays@acme.fr"])
