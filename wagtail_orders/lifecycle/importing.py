"""``import_orders``: orders that were placed elsewhere, brought over with all that came of them; nobody is mailed."""

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _
from wagtail.models import Site

from .. import conf, database, events, money
from ..models import (
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    OrderNote,
    Payment,
    Shipment,
    ShipmentLine,
    ShippingMethod,
)
from .imported import Imported
from .outcome import slim
from .record_checks import check_record
from .records import OrderRecord, Problem

#: So many characters are written at once, less than any database's packets hold.
MOST_WEIGHT = 1_000_000


def import_orders(
    records,
    *,
    existing="skip",
    keep_going=False,
    source="",
    progress=None,
    dry_run=False,
    user=None,
):
    """
    Bring orders over as they are: ``records`` gives an ``OrderRecord`` each, and a ``Problem`` where one could not be
    read. Number, dates, ledger, parcels and notes are kept; token and version are new, the statuses are computed.
    One event ``imported`` an order, whose signal follows the commit; no mail. ``source`` says in it where the order
    comes from; ``user`` is who brings it over.

    An order whose number exists is skipped, or with ``existing="refuse"`` wrong, so that a second time brings
    nothing. If anything is wrong, nothing is written; with ``keep_going`` all the others are, chunk by chunk.
    Returns ``Imported``, which names what is wrong; raises nothing for it. Users are known by their name, shipping
    methods by theirs, sites by host and port; what is unknown is left out and told, and an unknown site is the
    default one.

    Each chunk takes a constant number of queries. All or nothing is one transaction, run again if the database picks
    it as a deadlock's victim; give a list for that, or what else can be gone through again: a generator cannot, and
    the error goes up. ``progress`` is called with how many orders are through, after each chunk.
    """
    if existing not in ("skip", "refuse"):
        raise ValueError(f'existing is "skip" or "refuse", not {existing!r}.')
    move = _Move(skips=existing == "skip", keep_going=keep_going, source=source, progress=progress, user=user)
    if dry_run or keep_going:
        return move.run(records, dry_run=dry_run)
    return move.run_whole(records)


class _Undone(Exception):
    """Takes back what was written, since something was wrong."""


class _Move:
    """One call of the verb: what was asked for, and what is known for all chunks."""

    def __init__(self, *, skips, keep_going, source, progress, user):
        self.skips, self.keep_going = skips, keep_going
        self.source, self.progress, self.user = source, progress, user
        self.alias = database.alias_for(Order)
        sites = list(Site.objects.using(self.alias).order_by("pk"))
        self.sites = {site.hostname: site.pk for site in sites if site.port == 80}
        self.sites |= {f"{site.hostname}:{site.port}": site.pk for site in sites}
        self.default_site = next((site.pk for site in sites if site.is_default_site), None)
        # Of two with one name the one that is offered first.
        methods = database.primary(ShippingMethod).order_by("-sort_order", "-pk")
        self.methods = {method.name: method for method in methods}

    def run_whole(self, records):
        """All or nothing."""
        done = Imported()

        def work():
            nonlocal done
            done = self.run(records, dry_run=False)
            if done.wrong:
                raise _Undone

        try:
            if iter(records) is records:
                with transaction.atomic(using=self.alias):
                    work()
            else:
                database.in_transaction(Order, work)
        except _Undone:
            done.is_written = False
        return done

    def run(self, records, *, dry_run):
        done = Imported(is_written=not dry_run)
        numbers = set()
        for chunk in self._chunks(records, numbers, done):
            # Once something is wrong, the rest is only looked at for what else is.
            is_lost = done.wrong and not self.keep_going
            done.add(self._look(chunk)[0] if dry_run or is_lost else self._write_chunk(chunk))
            if self.progress:
                self.progress(done.orders)
        done.problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        return done

    def _chunks(self, records, numbers, done):
        """The orders that are right in themselves, so many at a time; what is wrong goes into ``done``."""
        chunk, weight = [], 0
        for record in records:
            if isinstance(record, Problem):
                done.refuse(record)
                continue
            try:
                ready = _check(record, numbers)
            except ValidationError as error:
                done.refuse(_problem(record, error))
                continue
            if chunk and (len(chunk) == conf.get("CHUNK_SIZE") or weight + ready.weight > MOST_WEIGHT):
                yield chunk
                chunk, weight = [], 0
            chunk.append(ready)
            weight += ready.weight
        # The last one also for its progress.
        yield chunk

    def _write_chunk(self, chunk):
        """Write those that are new. Whoever brings the same over at the same moment may have been first."""
        for _attempt in range(2):
            try:
                return self._in_transaction(chunk)
            except (IntegrityError, DataError):
                continue
        return self._write_each(chunk)

    def _write_each(self, chunk):
        """The database refuses some of them: find out which."""
        done = Imported()
        for ready in chunk:
            try:
                done.add(self._in_transaction([ready]))
            except (IntegrityError, DataError) as error:
                done.refuse(_refusal(ready, _("The database refuses it: %(error)s") % {"error": error}))
        return done

    def _in_transaction(self, chunk):
        def work():
            done, new = self._look(chunk)
            self._write(new)
            return done

        return database.in_transaction(Order, work)

    def _look(self, chunk):
        """Which of the chunk's orders are new, with all that they name found, and what is told of the others."""
        done, new = Imported(), []
        taken = self._taken_numbers(chunk)
        references = self._taken_references([ready for ready in chunk if ready.order.number not in taken])
        for ready in chunk:
            number = ready.order.number
            if number in taken:
                if self.skips:
                    done.existing += 1
                    done.existing_numbers.append(number)
                else:
                    done.refuse(_refusal(ready, _exists(number)))
            elif known := next((pair for pair in ready.references if pair in references), None):
                done.refuse(_refusal(ready, _reference_taken(*known)))
            else:
                references |= set(ready.references)
                done.new += 1
                done.totals[ready.order.currency] += money.rounded(ready.order.total, ready.order.currency)
                new.append(ready)
        self._name(new, done)
        return done, new

    def _taken_numbers(self, chunk):
        numbers = [ready.order.number for ready in chunk]
        found = database.primary(Order).filter(number__in=numbers).order_by()
        return set(found.values_list("number", flat=True)) if numbers else set()

    def _taken_references(self, chunk):
        references = {reference for ready in chunk for _method, reference in ready.references}
        found = database.primary(Payment).filter(reference__in=references).order_by()
        return set(found.values_list("method", "reference")) if references else set()

    def _name(self, chunk, done):
        """Find what the orders name: their site, users and shipping methods."""
        users = self._users({name for ready in chunk for name in ready.users})
        for ready in chunk:
            order = ready.order
            order.site_id = self._site(ready.site, done)
            order.user = users.get(ready.user)
            for entry, name in zip(ready.payments, ready.recorders, strict=True):
                entry.recorded_by = users.get(name)
            for note, name in zip(ready.notes, ready.authors, strict=True):
                note.author = users.get(name)
            for row in (order, *ready.shipments):
                row.shipping_method = self.methods.get(row.shipping_method_name)
            done.unknown_users.update(ready.users - users.keys())
            done.unknown_shipping_methods.update(ready.methods - self.methods.keys())

    def _site(self, name, done):
        if name is None:
            return None
        if name and name not in self.sites:
            done.unknown_sites[name] += 1
        return self.sites.get(name, self.default_site)

    def _users(self, names):
        if not names:
            return {}
        model = get_user_model()
        found = model._default_manager.using(database.alias_for(model)).filter(
            **{f"{model.USERNAME_FIELD}__in": names}
        )
        return {user.get_username(): user for user in found if user.get_username() in names}

    def _write(self, chunk):
        if not chunk:
            return
        for ready in chunk:
            for row in ready.rows:
                # As new again, if an attempt before was rolled back.
                row.pk, row._state.adding = None, True
        database.insert_all(Order, [ready.order for ready in chunk])
        for ready in chunk:
            for row in ready.rows[1:]:
                row.order = ready.order
        for model, name in (
            (OrderAddress, "addresses"),
            (OrderLine, "lines"),
            (Payment, "payments"),
            (Shipment, "shipments"),
            (OrderNote, "notes"),
        ):
            database.insert_all(model, [row for ready in chunk for row in getattr(ready, name)])
        database.insert_all(ShipmentLine, [row for ready in chunk for row in _contents(ready)])
        events.record_mixed(
            # Slim: they are held until the commit, maybe of a hundred thousand.
            [(slim(ready.order), OrderEvent.Kind.IMPORTED, self._data(ready.order)) for ready in chunk],
            user=self.user,
        )

    def _data(self, order):
        return {"total": str(order.total), "currency": order.currency, "source": self.source}


def _contents(ready):
    line_at = {line.position: line for line in ready.lines}
    for parcel, quantities in zip(ready.shipments, ready.parcels, strict=True):
        for position, quantity in quantities.items():
            yield ShipmentLine(shipment=parcel, line=line_at[position], quantity=quantity)


def _check(record, numbers):
    if not isinstance(record, OrderRecord):
        raise TypeError(f"Give an OrderRecord, not {type(record).__name__}.")
    ready = check_record(record)
    number = ready.order.number
    if number in numbers:
        raise ValidationError(
            {"number": [_("Order %(number)s is there twice; take one of the two out.") % {"number": number}]}
        )
    numbers.add(number)
    return ready


def _problem(record, error):
    told = [f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
    return Problem(record.line, None, " ".join(told), str(record.number))


def _refusal(ready, message):
    return Problem(ready.line, None, message, ready.order.number)


def _exists(number):
    return _("Order %(number)s exists already; leave it out, or have those that exist skipped.") % {
        "number": number
    }


def _reference_taken(method, reference):
    return _(
        "payments: The reference “%(reference)s” (%(method)s) is recorded already, with another order; correct one "
        "of the two."
    ) % {"reference": reference, "method": method}
