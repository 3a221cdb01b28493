"""Where the owner writes her own words: of the mails that go by themselves, and texts kept for later."""

from functools import partial
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, Panel
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.views.generic.preview import PreviewOnCreate, PreviewOnEdit
from wagtail.models import Site
from wagtail.snippets.action_menu import ActionMenuItem
from wagtail.snippets.views.snippets import CreateView, EditView, SnippetViewSet

from .. import wording
from ..models import MailText, Order, SavedText
from ..models.wording import languages, mail_kinds
from ..notifications import deliver, render
from ..notifications.kinds import STANDARD
from ..templatetags.wagtail_orders_tags import language_label
from .permissions import may_look

# The same as in a mail's own page; in Wagtail's preview the frame must stay of the same origin.
_POLICY = "default-src 'none'; img-src * data:; style-src 'unsafe-inline'"


def _key(given):
    """A primary key out of a URL, or None; longer ones are none, and more than a database reads."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def sample_order(text, pk=None):
    """A real order to show a text with: the chosen one, else the site's newest, one in the text's language first."""
    orders = Order.objects.filter(site=text.site_id)
    if pk:
        orders = orders.filter(pk=pk)
    return orders.filter(language=text.language).first() or orders.first() or Order.objects.first()


def sample_mail(text, order):
    """The mail that ``text`` would make of ``order``."""
    data = {"amount": str(order.total), "reason": _("sold out")}
    parcel = order.shipments.sent().last()
    if parcel is not None:
        data |= {"tracking_number": parcel.tracking_number, "tracking_url": parcel.tracking_url}
    return render.mail(order, text.kind, language=text.language, data=data, words=text)


def _preview(text, request, mode, *args):
    """Wagtail's preview, without a page's request: a mail has none."""
    if not may_look(request.user):
        raise PermissionDenied
    order_pk, _dot, form = mode.partition(".")
    order = sample_order(text, _key(order_pk))
    if order is None:
        return HttpResponse(
            _("There is no order yet to show it with."), content_type="text/plain; charset=utf-8"
        )
    mail = sample_mail(text, order)
    if form == "text":
        said = f"{mail.subject}\n\n{mail.text}"
        return HttpResponse(said, content_type="text/plain; charset=utf-8")
    return HttpResponse(mail.html, headers={"Content-Security-Policy": _POLICY})


class _PreviewMixin:
    def get_object(self):
        text = super().get_object()
        text.make_preview_request = partial(_preview, text)
        return text

    def validate_form(self, form):
        # Wagtail shows what is half filled in too; nothing can be shown of a mail of no kind.
        return form.is_valid()


class PreviewOnEditView(_PreviewMixin, PreviewOnEdit):
    pass


class PreviewOnCreateView(_PreviewMixin, PreviewOnCreate):
    pass


class SendTestItem(ActionMenuItem):
    """Sends the text as it stands in the form to whoever writes it."""

    name = "action-test"
    label = gettext_lazy("Send me a test")
    icon_name = "mail"

    def is_shown(self, context):
        return context.get("model") is MailText and may_look(context["request"].user)


class _TestMixin:
    """A form that can be tried out before it is saved, with an order, by those who may look at orders."""

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.preview_enabled = self.preview_enabled and may_look(request.user)

    def form_valid(self, form):
        if SendTestItem.name not in self.request.POST:
            return super().form_valid(form)
        self.form = form
        self._send_test(form.save(commit=False))
        return self.render_to_response(self.get_context_data())

    def _send_test(self, text):
        recipient = self.request.user.email
        order = sample_order(text)
        if not recipient:
            messages.error(self.request, _("Your account has no e-mail address to send a test to."))
        elif order is None:
            messages.error(self.request, _("There is no order yet to show it with."))
        elif not may_look(self.request.user):
            raise PermissionDenied
        elif answer := deliver.send_test(sample_mail(text, order), order, recipient, text.language):
            messages.error(self.request, _("The test was not sent: %(answer)s") % {"answer": answer})
        else:
            messages.success(
                self.request,
                _("A test with order %(number)s was sent to %(recipient)s. Your text is not saved yet.")
                % {"number": order.number, "recipient": recipient},
            )


class TextCreateView(_TestMixin, CreateView):
    def get_initial_form_instance(self):
        """A text of what the URL names, with the standard words to begin with."""
        kind, language = self.request.GET.get("kind"), self.request.GET.get("language")
        site = Site.objects.filter(pk=_key(self.request.GET.get("site", ""))).first()
        text = MailText(site=site or Site.find_for_request(self.request))
        if kind in dict(mail_kinds()) and language in dict(languages()):
            text.kind, text.language = kind, language
            standard = STANDARD[kind]
            with override(language):
                text.subject, text.opening = str(standard.subject), str(standard.opening)
                text.closing = str(standard.closing)
        return text


class TextEditView(_TestMixin, EditView):
    pass


class TextsView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """All mails in all languages, each with the standard words or the owner's."""

    model = MailText
    any_permission_required = ["add", "change", "delete", "view"]
    template_name = "wagtail_orders/admin/texts.html"
    page_title = gettext_lazy("E-mail texts")
    header_icon = "mail"
    _show_breadcrumbs = True
    results_only = False
    add_url_name = edit_url_name = ""

    def get_breadcrumbs_items(self):
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs):
        own = {(text.site_id, text.kind, text.language): text for text in MailText.objects.all()}
        may_add = self.user_has_permission("add")
        shops = [
            {
                "site": site,
                "rows": [
                    (label, [self._cell(own, site, kind, code, may_add) for code, _name in languages()])
                    for kind, label in mail_kinds()
                ],
            }
            for site in Site.objects.order_by("-is_default_site", "hostname")
        ]
        names = [language_label(code) for code, _name in languages()]
        return super().get_context_data(shops=shops, languages=names, **kwargs)

    def _cell(self, own, site, kind, language, may_add):
        text = own.get((site.pk, kind, language))
        if text is not None:
            url = reverse(self.edit_url_name, args=(text.pk,))
        elif may_add:
            query = urlencode({"site": site.pk, "kind": kind, "language": language})
            url = f"{reverse(self.add_url_name)}?{query}"
        else:
            url = ""
        name = language_label(language)
        return {"is_own": text is not None, "url": url, "language": name}


class PlaceholdersPanel(Panel):
    """What may stand in braces, and in which mails only."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "wagtail_orders/admin/placeholders.html"

        class Media:
            css = {"all": ["wagtail_orders/admin.css"]}

        def get_context_data(self, parent_context=None):
            return {**super().get_context_data(parent_context), "placeholders": list(self.placeholders())}

        def placeholders(self):
            labels = dict(mail_kinds())
            for name, label in wording.PLACEHOLDERS.items():
                kinds = [labels[kind] for kind in wording.kinds_of(name)]
                if not kinds or self.panel.model is MailText:
                    yield f"{{{name}}}", label, kinds


class MailTextViewSet(SnippetViewSet):
    model = MailText
    icon = "mail"
    menu_label = gettext_lazy("E-mail texts")
    menu_name = "orders-mail-texts"
    menu_order = 900
    add_to_settings_menu = True
    url_prefix = "order-mail-texts"
    url_namespace = "wagtail_orders_mail_texts"
    copy_view_enabled = False
    index_view_class = TextsView
    index_template_name = index_results_template_name = TextsView.template_name
    add_view_class = TextCreateView
    edit_view_class = TextEditView
    preview_on_add_view_class = PreviewOnCreateView
    preview_on_edit_view_class = PreviewOnEditView
    panels = [
        MultiFieldPanel(
            [FieldPanel("site"), FieldPanel("kind"), FieldPanel("language")],
            heading=gettext_lazy("Which mail"),
        ),
        MultiFieldPanel(
            [FieldPanel("subject"), FieldPanel("opening"), FieldPanel("closing")],
            heading=gettext_lazy("Your words"),
            help_text=gettext_lazy("What you leave empty is the standard text."),
        ),
        PlaceholdersPanel(heading=gettext_lazy("Placeholders")),
    ]

    def register_chooser_viewset(self):
        """None: nothing refers to a text."""


class SavedTextViewSet(SnippetViewSet):
    model = SavedText
    icon = "doc-full-inverse"
    menu_label = gettext_lazy("Saved texts")
    menu_name = "orders-saved-texts"
    menu_order = 901
    add_to_settings_menu = True
    url_prefix = "order-saved-texts"
    url_namespace = "wagtail_orders_saved_texts"
    list_display = ["name", "subject"]
    panels = [
        FieldPanel("name"),
        FieldPanel("subject"),
        FieldPanel("text"),
        PlaceholdersPanel(heading=gettext_lazy("Placeholders")),
    ]

    def register_chooser_viewset(self):
        """None: nothing refers to a text."""
