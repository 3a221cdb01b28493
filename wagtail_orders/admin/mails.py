"""A mail's own page: where it stands, what it said, and what can be done if it did not arrive."""

import logging

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from wagtail.admin import messages

from .. import wording
from ..exceptions import StaleOrder
from ..models import Notification, Order, OrderEvent, SavedText
from ..notifications import render
from . import history
from .cells import mail_tag
from .mail_forms import MAIL_FORMS
from .order import SHOWN_EVENTS, OrderPage

logger = logging.getLogger(__name__)

# A mail is somebody else's text: no script, no form, no address but its pictures', and no way out of the frame.
POLICY = "sandbox; default-src 'none'; img-src * data:; style-src 'unsafe-inline'"


class _MailPage(OrderPage):
    def get_object(self, queryset=None):
        return get_object_or_404(Order.objects.select_related("site"), pk=self.pk)

    @cached_property
    def mail(self):
        mails = Notification.objects.select_related("event__actor").filter(event__order=self.object)
        found = get_object_or_404(mails, pk=self.kwargs["mail"])
        found.event.order = self.object
        return found

    @cached_property
    def written(self):
        """The mail as it was sent; one that waits, as it would be sent now, if it can be written at all."""
        mail = self.mail
        if mail.subject:
            return render.Mail(mail.subject, mail.text_body, mail.html_body)
        try:
            return render.notification(mail)
        except Exception:
            # What is wrong, a template most likely, stands in the mail's error, which must be readable.
            logger.exception("%s cannot be written", mail)
            return render.Mail(mail.get_kind_display(), "", "")


class MailView(_MailPage):
    """One mail, to be read and, if need be, sent again."""

    template_name = "wagtail_orders/admin/mail.html"
    page_title = pgettext_lazy("a letter", "E-mail")
    #: The form that was sent and refused, shown again with what was typed.
    bound = None

    def get_breadcrumbs_items(self):
        return [
            *self.breadcrumbs_items,
            {"url": reverse("wagtail_orders:list"), "label": _("Orders")},
            {"url": reverse("wagtail_orders:inspect", args=(self.object.pk,)), "label": self.object.number},
            {"url": "", "label": _("E-mail")},
        ]

    @property
    def seen(self):
        last = OrderEvent.objects.filter(order=self.object).order_by("-pk").values_list("pk", flat=True)
        return last.first() or 0

    def form(self, slug):
        if self.bound is not None and self.bound.slug == slug:
            return self.bound
        return MAIL_FORMS[slug](order=self.object, user=self.request.user, seen=self.seen, subject=self.mail)

    def form_url(self, form):
        return reverse("wagtail_orders:mail_action", args=(self.object.pk, self.mail.pk, form.slug))

    @property
    def may_change(self):
        return self.user_has_permission("change")

    @property
    def is_given_up(self):
        return self.mail.state == Notification.State.FAILED and self.mail.settled_at is None

    def get_context_data(self, **kwargs):
        mail = self.mail
        context = {
            "page": self,
            "order": self.object,
            "mail": mail,
            "mail_tag": mail_tag(mail),
            "written": self.written,
            "body_url": reverse("wagtail_orders:mail_body", args=(self.object.pk, mail.pk)),
            "resend": self.form("resend") if self.may_change else None,
            "dismiss": self.form("dismiss") if self.may_change and self.is_given_up else None,
        }
        return super().get_context_data(**{**kwargs, **context})


class MailPostView(MailView):
    """What the mail's page sends."""

    http_method_names = ["post"]

    def post(self, request, pk, mail, action):
        if action not in MAIL_FORMS:
            raise Http404
        if not self.may_change:
            raise PermissionDenied
        if action == "dismiss" and not self.is_given_up:
            # Somebody saw to it already; how it stands is said there.
            return redirect("wagtail_orders:mail", pk, mail)
        form = MAIL_FORMS[action](request.POST, order=self.object, user=request.user, subject=self.mail)
        try:
            is_done = form.is_valid() and form.save()
        except StaleOrder:
            is_done = False
        if is_done:
            messages.success(request, form.done())
            return redirect("wagtail_orders:inspect", pk)
        return self._show(form)

    def _show(self, form):
        """The page once more, as it is now, with the form as it was sent."""
        self.object = form.order = self.get_object()
        form.is_stale = not form.is_current()
        if form.is_stale:
            form.meanwhile = history.told(self._events_since(form.cleaned_data.get("seen") or 0))
        form.refresh(self.seen)
        self.bound = form
        return self.render_to_response(self.get_context_data(), status=409 if form.is_stale else 422)

    def _events_since(self, seen):
        events = OrderEvent.objects.filter(order=self.object, pk__gt=seen).order_by("-pk")
        return events.select_related("actor").prefetch_related("notifications")[:SHOWN_EVENTS]


class SavedTextsView(_MailPage):
    """The owner's saved texts as they read for the order, for the script of the dialog that writes a mail."""

    any_permission_required = ["change"]

    def get(self, request, *args, **kwargs):
        facts = render.facts(self.object)
        texts = [
            {
                "key": str(text.pk),
                "name": text.name,
                "subject": wording.fill(text.subject, facts),
                "text": wording.fill(text.text, facts),
            }
            for text in SavedText.objects.all()
        ]
        return JsonResponse({"texts": texts}, headers={"Cache-Control": "private, no-store"})


@method_decorator(xframe_options_sameorigin, name="dispatch")
class MailBodyView(_MailPage):
    """The mail's HTML alone, for the frame in its page."""

    def get(self, request, *args, **kwargs):
        response = HttpResponse(self.written.html)
        response["Content-Security-Policy"] = POLICY
        response["Referrer-Policy"] = "no-referrer"
        return response
