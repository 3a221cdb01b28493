"""The order desk's place in the admin: its menu item, its URLs, its views."""

from django.db import transaction
from django.urls import path, reverse
from django.utils.functional import cached_property
from wagtail.snippets.views.snippets import SnippetViewSet

from ..models import Order
from .documents import DocumentPdfView, DocumentView, NewestDocumentView, PaperView
from .exports import ExportView
from .imports import ImportJobView, ImportView
from .jobs import JobActionView, JobFileView, JobStateView, JobsView, JobView
from .listing import STATES, OrderIndexView
from .mails import MailBodyView, MailPostView, MailView, SavedTextsView
from .menu import OrdersMenuItem
from .order import CompareView, OrderPostView, OrderView
from .permissions import may_look, policy
from .print_many import PrintManyView
from .rehearsal import RehearsalView, RehearsedMailView
from .ship_many import OrdersToShipView, ShipManyView
from .undo import UndoView
from .unmatched import LookedAtView


class OrderAdminURLFinder:
    """Leads from Wagtail's log and other places to the order's page, for all who may see it."""

    def __init__(self, user=None):
        self.user = user

    def get_edit_url(self, order):
        if self.user is None or may_look(self.user):
            return reverse("wagtail_orders:inspect", args=(order.pk,))
        return None


class OrderViewSet(SnippetViewSet):
    """
    Orders in the menu, a listing of the current and one of the archived ones, and the order's page. There is
    no add, copy, edit or delete view: the verbs write, and each has its button.
    """

    model = Order
    icon = "clipboard-list"
    menu_name = "orders"
    menu_order = 150
    add_to_admin_menu = True
    menu_item_class = OrdersMenuItem
    url_prefix = "orders"
    url_namespace = "wagtail_orders"
    inspect_view_enabled = True
    copy_view_enabled = False
    list_per_page = 50
    index_view_class = OrderIndexView
    inspect_view_class = OrderView
    # Wagtail 8 has it registered by wagtail_hooks; 7.4 asks the viewset.
    permission_policy = policy
    url_finder_class = OrderAdminURLFinder

    @cached_property
    def index_template_name(self):
        return self.index_view_class.template_name

    @cached_property
    def index_results_template_name(self):
        return self.index_view_class.results_template_name

    @cached_property
    def inspect_template_name(self):
        return self.inspect_view_class.template_name

    def get_permissions_to_register(self):
        return super().get_permissions_to_register().exclude(codename="add_order")

    def register_chooser_viewset(self):
        """Not at all: a chooser would list orders to everybody who may enter the admin."""

    def _listing(self, state, **kwargs):
        name, _label = STATES[state]
        return self.construct_view(
            self.index_view_class,
            **{
                **self.get_index_view_kwargs(),
                "state": state,
                "index_url_name": self.get_url_name(name),
                "index_results_url_name": self.get_url_name(f"{name}_results"),
                **kwargs,
            },
        )

    def _listing_urls(self, state, address):
        name, _label = STATES[state]
        return [
            path(address, self._listing(state), name=name),
            path(f"{address}results/", self._listing(state, results_only=True), name=f"{name}_results"),
        ]

    def _view(self, view_class):
        return self.construct_view(view_class, model=self.model, permission_policy=self.permission_policy)

    def get_urlpatterns(self):
        post = self._view(OrderPostView)
        return [
            *self._listing_urls("current", ""),
            *self._listing_urls("archived", "archived/"),
            *self._listing_urls("all", "all/"),
            path("export/", self._view(ExportView), name="export"),
            path("print/", self._view(PrintManyView), name="print_many"),
            path("import/", ImportView.as_view(), name="import"),
            path("import/<int:pk>/", self._view(ImportJobView), name="import_job"),
            path("jobs/", self._view(JobsView), name="jobs"),
            path("jobs/<int:pk>/", self._view(JobView), name="job"),
            path("jobs/<int:pk>/state/", self._view(JobStateView), name="job_state"),
            path("jobs/<int:pk>/file/", self._view(JobFileView), name="job_file"),
            path("jobs/<int:pk>/<slug:action>/", self._view(JobActionView), name="job_action"),
            path("undo/", self._view(UndoView), name="undo"),
            path("unmatched/<int:pk>/looked-at/", self._view(LookedAtView), name="looked_at"),
            path("ship-many/", self._view(ShipManyView), name="ship_many"),
            path("ship-many/orders.csv", self._view(OrdersToShipView), name="orders_to_ship"),
            path("<int:pk>/", self.inspect_view, name="inspect"),
            # Wagtail looks for a model's page under this name.
            path("<int:pk>/", self.inspect_view, name="edit"),
            path("<int:pk>/compare/<int:other>/", self._view(CompareView), name="compare"),
            path(
                "print/<slug:kind>/<int:site>/",
                self._view(NewestDocumentView),
                name="newest_document",
            ),
            path("paper/<int:site>/", self._view(PaperView), name="paper"),
            path("<int:pk>/print/<slug:kind>/", self._view(DocumentView), name="document"),
            path("<int:pk>/print/<slug:kind>.pdf", self._view(DocumentPdfView), name="document_pdf"),
            path("<int:pk>/saved-texts/", self._view(SavedTextsView), name="saved_texts"),
            path("<int:pk>/mails/<int:mail>/", self._view(MailView), name="mail"),
            path("<int:pk>/mails/<int:mail>/body/", self._view(MailBodyView), name="mail_body"),
            path("<int:pk>/mails/<int:mail>/<slug:action>/", self._view(MailPostView), name="mail_action"),
            path("<int:pk>/notes/<int:note>/<slug:action>/", post, name="note"),
            path("<int:pk>/parcels/<int:parcel>/<slug:action>/", post, name="parcel"),
            path("<int:pk>/rehearse/<slug:action>/", self._view(RehearsalView), name="rehearse"),
            path(
                "<int:pk>/rehearse/<slug:action>/mail/", self._view(RehearsedMailView), name="rehearse_mail"
            ),
            # No transaction is open while a provider is asked, whatever a project wraps its requests in.
            path(
                "<int:pk>/refund-provider/",
                transaction.non_atomic_requests(self._view(OrderPostView)),
                {"action": "refund-provider"},
                name="action",
            ),
            path("<int:pk>/<slug:action>/", post, name="action"),
        ]
