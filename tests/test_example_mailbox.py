"""The demo's mailbox: what is mailed without a mail server is kept as files, and read in the shop's own pages."""

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
from email import policy
from email.parser import BytesParser
from pathlib import Path

import django
import pytest
from django.core.mail import EmailMultiAlternatives, send_mail
from django.test import Client

from example_site.mailbox import mails
from wagtail_orders.models import Order

from .test_shop import open_all_day, order, put_in_basket, shop  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
MAILBOX = "/mailbox/?language=en"
BACKEND = "example_site.mailbox.backend.EmailBackend"
LONG = "Bestellung n° 2026-00042 : Tasse en grès « Forêt », émaillée aux couleurs de la forêt – 64,00 € · 山田 花子 🌲"
HOSTILE = "<script>alert('Zoë')</script>"
NAME = "20261123T093000000000-0123abcd"

pytestmark = [
    pytest.mark.django_db,
    # Wagtail leaves the temporary file of each picture it makes to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning"),
]


@pytest.fixture
def mailbox(site, settings, tmp_path):
    """The demo's own mailbox in the place of the tests' outbox; the folder it keeps its mails in."""
    settings.DEBUG = True
    settings.MAILBOX_DIR = tmp_path / "mails"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": BACKEND}}
    else:
        settings.EMAIL_BACKEND = BACKEND
    return settings.MAILBOX_DIR


def write(subject="Your order", *, text="Thank you.", html="", to="zoe@example.com", **more):
    message = EmailMultiAlternatives(subject, text, "Atelier Forêt <atelier@example.com>", [to], **more)
    if html:
        message.attach_alternative(html, "text/html")
    assert message.send() == 1


def read(client, url, status=200):
    # A page that is not found is looked for under a language, too.
    response = client.get(url, follow=status == 404)
    assert response.status_code == status
    return response.content.decode()


def links(client):
    """The addresses of the mails on the list, in its order."""
    found = re.findall(r'<a class="mail-subject" href="([^"]+)"', read(client, MAILBOX))
    return [url.replace("&amp;", "&") for url in found]


def facts(html):
    """What stands above a mail: From, To, and so on."""
    found = re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", html)
    return {name: re.sub(r"<[^>]+>", "", value) for name, value in found}


def put(folder, content, name=NAME):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.eml").write_bytes(content)


def test_a_mail_becomes_one_file_that_any_mail_program_reads(mailbox):
    write("Merci, Zoë", text="À bientôt\nFrom us", html="<p>À bientôt</p>", reply_to=["owner@example.com"])
    (file,) = mailbox.iterdir()
    assert mails.NAME.fullmatch(file.stem)
    assert file.suffix == ".eml"
    message = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    assert message["Subject"] == "Merci, Zoë"
    assert message["From"].addresses[0].display_name == "Atelier Forêt"
    assert message["Reply-To"] == "owner@example.com"
    assert message.get_body(("plain",)).get_content().strip() == "À bientôt\nFrom us"
    assert message.get_body(("html",)).get_content().strip() == "<p>À bientôt</p>"


def test_many_mails_at_once_are_as_many_files(mailbox):
    writers = [threading.Thread(target=lambda: [write() for _ in range(20)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(list(mailbox.iterdir())) == 80
    assert len(mails.newest_first()) == 80


def test_the_newest_mail_comes_first_and_the_list_says_to_whom(mailbox, client):
    write("First", to="Anna <anna@example.com>")
    write("Second")
    page = read(client, MAILBOX)
    assert page.index("Second") < page.index("First")
    assert "To Anna &lt;anna@example.com&gt;" in page


def test_a_long_subject_and_name_lose_no_space_and_no_letter(mailbox, client):
    name = "Zoë Müller van de rue de l'Église et du château, 山田 花子"
    write(LONG, to=f'"{name}" <zoe@example.com>')
    (mail,) = mails.newest_first()
    assert mail.subject == LONG
    assert mail.to.replace('"', "") == f"{name} <zoe@example.com>"
    assert LONG in read(client, MAILBOX)


def test_one_mail_says_from_whom_to_whom_and_when(mailbox, client):
    write("Merci, Zoë", to="Zoë <zoe@example.com>", reply_to=["owner@example.com"])
    page = read(client, links(client)[0])
    shown = facts(page)
    assert re.search(r"<h1[^>]*>Merci, Zoë</h1>", page)
    assert shown["From"] == "Atelier Forêt &lt;atelier@example.com&gt;"
    assert shown["To"] == "Zoë &lt;zoe@example.com&gt;"
    assert shown["Reply to"] == "owner@example.com"
    assert re.search(r"20\d\d", shown["Date"])


def test_a_mail_in_two_forms_is_shown_as_html_and_on_demand_as_text(mailbox, client):
    write(text="In plain words", html="<p>In HTML</p>")
    (url,) = links(client)
    page = read(client, url)
    assert "<iframe" in page
    assert "In plain words" not in page
    as_text = re.search(r'href="(\?[^"]*as=text[^"]*)"', page)[1].replace("&amp;", "&")
    page = read(client, url.split("?")[0] + as_text)
    assert "<iframe" not in page
    assert "In plain words" in page


def test_a_mail_without_html_is_shown_as_text_without_a_switch(mailbox, client):
    write(text="In plain words")
    page = read(client, links(client)[0])
    assert "In plain words" in page
    assert "mail-switch" not in page
    assert "<iframe" not in page


def test_links_in_plain_text_can_be_clicked_and_the_rest_is_text(mailbox, client):
    write(HOSTILE, text=f"See http://localhost:8000/admin/orders/1/ {HOSTILE} javascript:alert(1)")
    page = read(client, links(client)[0])
    assert '<a href="http://localhost:8000/admin/orders/1/"' in page
    assert 'href="javascript' not in page
    assert "<script>alert" not in page + read(client, MAILBOX)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (
            "<!doctype html><html><head><title>Hi</title></head><body>Zoë</body></html>",
            '<!doctype html><html><head><base target="_top"><title>Hi</title></head><body>Zoë</body></html>',
        ),
        (
            "<!DOCTYPE html>\n<header>Zoë</header>",
            '<!DOCTYPE html><base target="_top">\n<header>Zoë</header>',
        ),
        ("<p>Zoë</p>", '<base target="_top"><p>Zoë</p>'),
    ],
)
def test_the_html_stands_in_a_frame_that_runs_nothing_and_whose_links_leave_it(mailbox, client, html, shown):
    write(html=html)
    page = read(client, links(client)[0])
    frame = re.search(r"<iframe[^>]*>", page)[0]
    sandbox = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
    assert f'sandbox="{sandbox}"' in frame
    response = client.get(re.search(r'src="([^"]+)"', frame)[1])
    assert response.content.decode().strip() == shown
    assert response.headers["Content-Security-Policy"] == (
        f"sandbox {sandbox}; default-src 'none'; img-src * data:; style-src 'unsafe-inline'"
    )
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(range(256)) * 20,
        b"Subject: =?utf-8?b?4pi?=\nTo: <<>@@,;:\n\nx",
        b"Subject: =?unicode_escape?q?=5Cud800?=\n\nx",
        b"Content-Type: text/plain; charset=nonsense\nSubject: Odd\n\nx",
        b"Content-Type: text/html; charset=unicode_escape\nSubject: Odd\n\n\\ud800",
        b'Content-Type: multipart/mixed; boundary="x"\nSubject: Cut off\n\n--x\nContent-Type: mul',
        b"Subject: Zo\xeb\nFrom: \xff\n\n\xff",
    ],
)
def test_a_damaged_file_spoils_neither_the_list_nor_its_own_page(mailbox, client, content):
    write("A good one")
    put(mailbox, content)
    assert "A good one" in read(client, MAILBOX)
    urls = links(client)
    assert len(urls) == 2
    for url in urls:
        read(client, url)
        read(client, url.replace("?", "html/?"))


def test_a_file_that_is_no_mail_at_all_is_called_unreadable(mailbox, client):
    put(mailbox, b"")
    assert "This mail cannot be read" in read(client, MAILBOX)
    assert "This mail cannot be read" in read(client, links(client)[0])


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fsecret",
        "..%252Fsecret",
        "%2Fetc%2Fpasswd",
        f"..%2Fmails%2F{NAME}",
        f"{NAME}.eml",
        f"{NAME}%0A",
        f"{NAME}%00",
        NAME.upper(),
        "99999999T999999999999-0123abcd",
        "secret",
        "20261123T093000000000-ffffffff",
    ],
)
def test_only_the_name_of_a_mail_that_is_there_leads_anywhere(mailbox, client, name):
    put(mailbox, b"Subject: Mine\n\nx")
    put(mailbox, b"Subject: Not for you\n\nx", name="secret")
    (mailbox.parent / "secret.eml").write_bytes(b"Subject: Not for you\n\nx")
    for url in (f"/mailbox/{name}/", f"/mailbox/{name}/html/"):
        assert "Not for you" not in read(client, url, status=404)
    assert links(client) == [f"/mailbox/{NAME}/?language=en"]
    assert "Mine" in read(client, f"/mailbox/{NAME}/")


def test_emptying_takes_the_mails_and_nothing_else(mailbox):
    write()
    write()
    (mailbox / "notes.txt").write_text("mine")
    browser = Client(enforce_csrf_checks=True)
    page = read(browser, MAILBOX)
    action = re.search(r'<form method="post" action="([^"]+)"', page)[1]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    assert browser.post(action).status_code == 403
    assert browser.get(action).status_code == 405
    assert len(mails.newest_first()) == 2
    response = browser.post(action, {"csrfmiddlewaretoken": token}, follow=True)
    assert "There is no mail yet. Place an order in the shop" in response.content.decode()
    assert "Empty the mailbox" not in response.content.decode()
    assert [file.name for file in mailbox.iterdir()] == ["notes.txt"]


def test_the_mailbox_speaks_french(mailbox, client):
    assert "Passez une commande dans la boutique" in read(client, "/mailbox/?language=fr")
    write("Merci", text="Bonjour", html="<p>Bonjour</p>")
    page = read(client, "/mailbox/?language=fr")
    assert '<html lang="fr">' in page
    assert "Vider la messagerie" in page
    page = read(client, re.search(r'<a class="mail-subject" href="([^"]+)"', page)[1])
    assert "Tous les e-mails" in page
    assert "De" in facts(page)
    switch = {url.replace("&amp;", "&") for url in re.findall(r'hreflang="\w\w" href="([^"]+)"', page)}
    assert {url.split("language=")[1] for url in switch} == {"en", "fr"}


def test_switching_the_language_keeps_the_form_in_which_the_mail_is_read(mailbox, client):
    write(text="In plain words", html="<p>In HTML</p>")
    page = read(client, links(client)[0] + "&as=text")
    other = re.search(r'hreflang="fr" href="([^"]+)"', page)[1].replace("&amp;", "&")
    page = read(client, other)
    assert "Texte brut" in page
    assert "In plain words" in page


@pytest.mark.parametrize("closed", [{"DEBUG": False}, {"MAILBOX_DIR": None}])
def test_outside_the_demo_there_is_no_mailbox(mailbox, client, settings, closed):
    write()
    (url,) = links(client)
    name = url.split("/")[2]
    for setting, value in closed.items():
        setattr(settings, setting, value)
    for closed_url in ("/mailbox/", f"/mailbox/{name}/", f"/mailbox/{name}/html/"):
        read(client, closed_url, status=404)
    assert client.post("/mailbox/empty/", follow=True).status_code == 404
    assert "See the mails of the demo" not in read(client, "/en/basket/")


def test_the_shop_leads_to_the_mailbox_from_its_foot_and_after_an_order(shop, mailbox, client):  # noqa: F811
    link = '<a href="/mailbox/?language={}">'
    assert read(client, "/en/").count(link.format("en")) == 1
    assert read(client, "/fr/").count(link.format("fr")) == 1
    put_in_basket(client, "JUG-D")
    page = order(client).content.decode()
    assert Order.objects.get().number in page
    assert page.count(link.format("en") + "See the mails of the demo</a>") == 2


def test_the_pages_need_no_inline_style_or_script(mailbox, client):
    write(text="In plain words", html="<p>In HTML</p>")
    for url in (MAILBOX, links(client)[0], links(client)[0] + "&as=text"):
        page = read(client, url)
        assert "<style" not in page
        assert not re.search(r"\s(style|on\w+)=", page)


def in_a_new_process(code, **environment):
    """What code prints, as JSON, where Django reads the example site's settings in this environment."""
    names = ("EMAIL_URL", "MAILBOX_DIR", "DEFAULT_FROM_EMAIL")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import django, json\ndjango.setup()\n{code}"],
        env={**inherited, "DJANGO_SETTINGS_MODULE": "example_site.settings", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


CONNECTION = """
from django.conf import settings
from django.core import mail
backend = mail.mailers.default if hasattr(mail, "mailers") else mail.get_connection()
names = ["host", "port", "username", "password", "use_tls", "use_ssl", "timeout"]
facts = {name: getattr(backend, name, None) for name in names}
print(json.dumps({
    **facts,
    "backend": type(backend).__module__,
    "mailbox": settings.MAILBOX_DIR,
    "sender": settings.DEFAULT_FROM_EMAIL,
}))
"""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp+tls://anna:p%40ss@mail.example.com:2525",
            {"port": 2525, "username": "anna", "password": "p@ss", "use_tls": True, "use_ssl": False},
        ),
        ("smtp+tls://mail.example.com", {"port": 587, "use_tls": True, "use_ssl": False}),
        ("smtp+ssl://mail.example.com", {"port": 465, "use_tls": False, "use_ssl": True}),
        ("smtp://mail.example.com", {"port": 25, "use_tls": False, "use_ssl": False}),
    ],
)
def test_email_url_says_which_mail_server_takes_the_mails(url, expected):
    found = in_a_new_process(CONNECTION, EMAIL_URL=url, DEFAULT_FROM_EMAIL="Anna <anna@example.com>")
    assert found["backend"] == "django.core.mail.backends.smtp"
    assert (found["host"], found["timeout"], found["mailbox"]) == ("mail.example.com", 20, None)
    assert found["sender"] == "Anna <anna@example.com>"
    assert {name: found[name] for name in expected} == expected


def test_email_url_may_name_another_of_djangos_backends():
    found = in_a_new_process(CONNECTION, EMAIL_URL="consolemail://")
    assert found["backend"] == "django.core.mail.backends.console"


@pytest.mark.parametrize("environment", [{}, {"EMAIL_URL": ""}])
def test_without_email_url_the_mails_stay_in_the_mailbox(environment):
    found = in_a_new_process(CONNECTION, **environment)
    assert found["backend"] == "example_site.mailbox.backend"
    assert Path(found["mailbox"]) == ROOT / "var" / "mails"
    assert found["sender"] == "Atelier Forêt <atelier@example.com>"


SEND = """
from django.core.mail import send_mail
print(json.dumps(send_mail("Merci, Zoë", "Your order", None, ["zoe@example.com"])))
"""


def test_a_mail_of_the_site_is_in_the_folder_that_mailbox_dir_names(tmp_path, mailbox):
    assert in_a_new_process(SEND, MAILBOX_DIR=str(mailbox)) == 1
    (mail,) = mails.newest_first()
    assert (mail.subject, mail.sender) == ("Merci, Zoë", "Atelier Forêt <atelier@example.com>")


class MailServer(socketserver.StreamRequestHandler):
    """Just enough SMTP to take one mail."""

    def handle(self):
        self.say("220 ready")
        while line := self.rfile.readline():
            command = line.split()[0].upper()
            if command == b"DATA":
                self.say("354 go on")
                self.server.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.say("221 bye" if command == b"QUIT" else "250 ok")

    def say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


def test_with_email_url_a_mail_goes_out_over_smtp():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        server.taken = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert in_a_new_process(SEND, EMAIL_URL=f"smtp://127.0.0.1:{server.server_address[1]}") == 1
        server.shutdown()
    (taken,) = server.taken
    message = BytesParser(policy=policy.default).parsebytes(taken)
    assert (message["Subject"], message["To"]) == ("Merci, Zoë", "zoe@example.com")


def test_the_tests_of_the_site_mail_nothing(mailoutbox, settings):
    send_mail("Subject", "Text", None, ["zoe@example.com"])
    assert len(mailoutbox) == 1
    assert not list(Path(settings.MAILBOX_DIR).iterdir())
