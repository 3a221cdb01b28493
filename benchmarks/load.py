"""
Customers who place orders and owners who work at the desk, all at once, against gunicorn.

    DATABASE_URL=postgres://user@host/name_100000 gunicorn benchmarks.wsgi --workers 2 --bind 127.0.0.1:8009
    locust -f benchmarks/load.py --headless --users 25 --spawn-rate 5 --run-time 10m --host http://127.0.0.1:8009

The owner "anna" is in a database that ``benchmarks/run.py`` made.
"""

import random
import secrets

from locust import HttpUser, between, task
from lxml import html

#: What an owner does with an order from its page, by the last part of the form's address.
STEPS = ("pay", "mark-handled", "archive")
WORDS = ("Quastenberg", "Zwingmeister", "mueller", "2025-00123", "example.com")
#: The page was overtaken by another owner, and says so.
OVERTAKEN = (409, 422)


class Customer(HttpUser):
    fixed_count = 20
    wait_time = between(1, 5)

    @task
    def order(self):
        name = f"Customer {secrets.token_hex(3)}"
        given = {"name": name, "email": "customer@example.com", "key": secrets.token_hex(16)}
        placed = self.client.post("/place/", given, name="place an order")
        if placed.ok:
            self.client.get(f"/orders/{placed.json()['token']}/", name="the customer's page")


class Owner(HttpUser):
    fixed_count = 5
    wait_time = between(1, 3)

    def on_start(self):
        page = html.fromstring(self.client.get("/admin/login/", name="log in").text)
        form = next(form for form in page.forms if "password" in form.fields)
        fields = {**dict(form.fields), "username": "anna", "password": "secret"}
        self.client.post("/admin/login/", _filled(fields), name="log in")

    @task(5)
    def work(self):
        listing = self.client.get("/admin/orders/", name="current orders")
        orders = html.fromstring(listing.text).xpath("//tbody//a/@href[starts-with(., '/admin/orders/')]")
        pages = [url for url in orders if url.strip("/").split("/")[-1].isdigit()]
        if not pages:
            listing.failure("no orders")
            return
        page = html.fromstring(self.client.get(random.choice(pages), name="an order's page").text)  # noqa: S311
        forms = [form for form in page.forms if (form.get("action") or "").strip("/").split("/")[-1] in STEPS]
        if not forms:
            return
        form = random.choice(forms)  # noqa: S311
        with self.client.post(
            form.get("action"), _filled(form.fields), name="a step", catch_response=True
        ) as answer:
            if answer.status_code in OVERTAKEN:
                answer.success()

    @task(2)
    def search(self):
        self.client.get("/admin/orders/all/", params={"q": random.choice(WORDS)}, name="search")  # noqa: S311

    @task(2)
    def narrow(self):
        query = {"payment_status": "paid", "fulfillment_status": "unfulfilled"}
        self.client.get("/admin/orders/", params=query, name="two filters")

    @task(1)
    def archive(self):
        page = random.randint(1, 200)  # noqa: S311
        self.client.get("/admin/orders/archived/", params={"p": page}, name="archived orders")

    @task(1)
    def home(self):
        self.client.get("/admin/", name="home")


def _filled(fields):
    return {name: value for name, value in dict(fields).items() if value is not None}
