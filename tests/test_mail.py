"""Mail messages as they travel: headers, subjects, what a mail server's answers mean. The server is on loopback."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import compat32, default
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

import pytest
from post_help import SENDER, mail_server

from domain.notice_kinds import Notice
from i18n import in_language
from i18n.words import DUTIES
from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from mail.folder import FolderMailer
from mail.messages import compose, raw
from mail.smtp import SmtpMailer, SmtpSettings

AT = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)
ID = UUID("12345678-1234-5678-1234-567812345678")


def message(to: str = "a@example.invalid", subject: str = "Nhắc: ký giao ước", sender: str = SENDER) -> EmailMessage:
    text = "Đề nghị đơn vị ký giao ước."
    return compose(sender=sender, to=to, subject=subject, text=text, identity=ID, at=AT)


def read(content: bytes) -> EmailMessage:
    found = BytesParser(policy=default).parsebytes(content)
    assert isinstance(found, EmailMessage)
    return found


# Headers ------------------------------------------------------------------------------------------------------


def test_a_message_says_that_a_program_wrote_it_when_and_which_it_is() -> None:
    content = raw(message())
    found = read(content)
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Message-ID"] == f"<{ID}@thidua.example.vn>"
    assert parsedate_to_datetime(found["Date"]) == AT
    assert found["From"].addresses[0].addr_spec == "so@thidua.example.vn"
    assert found["From"].addresses[0].display_name == "Sổ Thi Đua"
    head = content.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_a_sender_of_many_words_keeps_its_blanks() -> None:
    long = "Sổ Thi Đua của Ủy ban Mặt trận Tổ quốc Việt Nam thành phố Hà Nội và các phường"
    content = raw(message(sender=f"{long} <so@example.vn>"))
    # The newer parser of the standard library adds blanks between encoded words of a name; RFC 2047 says otherwise.
    head = message_from_bytes(content, policy=compat32)["From"]
    assert str(make_header(decode_header(head))) == f"{long} <so@example.vn>"


def test_a_header_takes_no_line_break() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message("a@example.invalid\nBcc: b@example.invalid")
    for subject in ("a\r\nBcc: b@example.invalid", "=?utf-8?q?a=0D=0ABcc:_b@example.invalid?="):
        assert "Bcc" not in read(raw(message(subject=subject)))


CLUSTERS = (
    "Cụm thi đua số 1",
    "Cụm thi đua các phường trung tâm",
    "Khối các tổ chức thành viên của Mặt trận Tổ quốc thành phố",
)
NAMES = ("Ủy ban MTTQ Việt Nam phường Văn Miếu - Quốc Tử Giám", "UBMTTQVN xã Ea H'leo")


def usual_subjects() -> list[str]:
    """Subjects of all kinds of notice in Vietnamese, for each duty that one can name, in three clusters."""
    from i18n import _  # noqa: PLC0415 - inside the language

    found = []
    with in_language("vi"):
        for cluster in CLUSTERS:
            for kind in Notice.KNOWN.values():
                duties = DUTIES.values() if "{duty}" in kind.SUBJECT else [""]
                for number, duty in enumerate(duties):
                    values = {
                        "duty": _(duty),
                        "unit": NAMES[number % 2],
                        "by": NAMES[number % 2],
                        "due": "25/02/2026",
                        "until": "05/03/2026",
                        "draft": "giao ước thi đua",
                        "number": "2",
                        "year": "2026",
                        "award": "Cờ thi đua của thành phố",
                    }
                    text = f"{cluster}: {_(kind.SUBJECT).format(**values)}"
                    found.append(text if len(text) <= 120 else text[:120].rstrip())
    return list(dict.fromkeys(found))


def test_usual_subjects_are_read_as_they_were_written() -> None:
    subjects = usual_subjects()
    assert len(subjects) >= 273
    assert len([subject for subject in subjects if len(subject) > 76]) > 50
    for subject in subjects:
        assert read(raw(message(subject=subject)))["Subject"] == subject


@pytest.mark.parametrize("length", range(1, 121))
def test_a_blank_at_a_fold_is_kept(length: int) -> None:
    """Words of every length before a blank, so that the fold comes at every place of them."""
    subject = f"{'ố' * length} ký giao ước của Ủy ban Mặt trận Tổ quốc"[:120].strip()
    assert read(raw(message(subject=subject)))["Subject"] == subject
    mixed = f"{'a' * length} {'Đ' * 5} b 12"[:120].strip()
    assert read(raw(message(subject=mixed)))["Subject"] == mixed


# A mail server ------------------------------------------------------------------------------------------------


async def test_a_message_goes_out_by_starttls_and_login(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (postman, settings):
        await SmtpMailer(settings).send(message())
        (arrived,) = postman.arrived
        assert arrived["Subject"] == "Nhắc: ký giao ước"
        assert "Đề nghị" in arrived.get_content()


async def test_a_wrong_password_or_an_unknown_or_missing_certificate_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.smtp.TIMEOUT_S", 2)  # a server that was left in the middle says nothing more
    with mail_server(tmp_path) as (postman, settings):
        for wrong in (
            SmtpSettings(settings.host, settings.port, True, "so", "sai", settings.authorities),
            SmtpSettings(settings.host, settings.port, True, "so", "mat khau", None),
            SmtpSettings(settings.host, settings.port, True, "so", "mat khau", str(tmp_path / "nowhere.pem")),
        ):
            with pytest.raises(MailServerAwayError):
                await SmtpMailer(wrong).send(message())
        assert postman.arrived == []


async def test_the_bytes_that_arrive_are_ours(tmp_path: Path) -> None:
    subject = usual_subjects()[0]
    with mail_server(tmp_path) as (postman, settings):
        await SmtpMailer(settings).send(message(subject=subject))
        assert postman.contents == [raw(message(subject=subject))]
        assert postman.arrived[0]["Subject"] == subject
        assert postman.senders == ["so@thidua.example.vn"]


async def test_an_address_beyond_ascii_is_named_where_the_server_takes_it(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (postman, settings):
        await SmtpMailer(settings).send(message("ông@example.invalid"))
        assert postman.arrived[0]["To"] == "ông@example.invalid"


@pytest.mark.parametrize(
    ("to", "wrong"),
    [
        ("nobody@example.invalid", UndeliverableError),
        ("full@example.invalid", DeferredError),
        ("closing@example.invalid", MailServerAwayError),
        ("data-later@example.invalid", DeferredError),
        ("data-never@example.invalid", UndeliverableError),
        ("data-breaks@example.invalid", UnknownOutcomeError),
    ],
)
async def test_what_an_answer_means(tmp_path: Path, to: str, wrong: type[Exception]) -> None:
    with mail_server(tmp_path) as (postman, settings), pytest.raises(wrong):
        await SmtpMailer(settings).send(message(to))
    assert postman.arrived == []


async def test_a_server_that_refuses_the_sender_loses_no_message(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (_postman, settings), pytest.raises(MailServerAwayError):
        await SmtpMailer(settings).send(message(sender="nobody@example.invalid"))


async def test_a_dead_server_is_away(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (_postman, settings):
        pass
    with pytest.raises(MailServerAwayError):
        await SmtpMailer(settings).send(message())


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    assert SmtpSettings.of({}) is None
    secret = tmp_path / "secret"
    secret.write_text("mat khau\n")
    found = SmtpSettings.of(
        {"THIDUA_SMTP_HOST": "h", "THIDUA_SMTP_PASSWORD_FILE": str(secret), "THIDUA_SMTP_STARTTLS": "no"}
    )
    assert found == SmtpSettings("h", 587, False, None, "mat khau", None)


async def test_the_folder_keeps_each_message_once(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "out")
    await mailer.send(message())
    await mailer.send(message())
    (file,) = (tmp_path / "out").iterdir()
    assert str(ID).encode() in file.read_bytes()
