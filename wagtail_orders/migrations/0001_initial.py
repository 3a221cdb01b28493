"""All tables of the order desk."""

import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from wagtail.images import get_image_model_string

import wagtail_orders.models.fields
import wagtail_orders.models.order
import wagtail_orders.models.settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("wagtailcore", "0097_baselogentry_uuid_action_timestamp_indexes"),
        migrations.swappable_dependency(get_image_model_string()),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NumberSequence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", wagtail_orders.models.fields.ExactCharField(max_length=100, unique=True)),
                ("last", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    wagtail_orders.models.fields.ExactCharField(
                        max_length=50, unique=True, verbose_name="number"
                    ),
                ),
                (
                    "token",
                    wagtail_orders.models.fields.ExactCharField(
                        default=wagtail_orders.models.order.make_token,
                        editable=False,
                        max_length=40,
                        unique=True,
                    ),
                ),
                (
                    "idempotency_key",
                    wagtail_orders.models.fields.ExactCharField(
                        blank=True, editable=False, max_length=255, null=True, unique=True
                    ),
                ),
                ("fingerprint", models.CharField(blank=True, editable=False, max_length=64)),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("customer_name", models.CharField(max_length=255, verbose_name="customer")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, max_length=64, verbose_name="phone")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("cancelled", "Cancelled")],
                        default="open",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                (
                    "payment_status",
                    models.CharField(
                        choices=[
                            ("unpaid", "Unpaid"),
                            ("pending", "Payment pending"),
                            ("partially_paid", "Partly paid"),
                            ("paid", "Paid"),
                            ("overpaid", "Overpaid"),
                            ("partially_refunded", "Partly refunded"),
                            ("refunded", "Refunded"),
                        ],
                        default="unpaid",
                        max_length=20,
                        verbose_name="payment",
                    ),
                ),
                (
                    "fulfillment_status",
                    models.CharField(
                        choices=[
                            ("unfulfilled", "To send"),
                            ("partially_fulfilled", "Partly sent"),
                            ("fulfilled", "Handled"),
                        ],
                        default="unfulfilled",
                        max_length=20,
                        verbose_name="fulfilment",
                    ),
                ),
                ("is_archived", models.BooleanField(default=False, verbose_name="archived")),
                ("needs_look", models.BooleanField(default=False, verbose_name="needs a look")),
                ("placed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="placed")),
                ("paid_at", models.DateTimeField(blank=True, null=True, verbose_name="paid on")),
                ("handled_at", models.DateTimeField(blank=True, null=True, verbose_name="handled")),
                ("archived_at", models.DateTimeField(blank=True, null=True, verbose_name="archived")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="cancelled")),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="last changed"),
                ),
                ("prices_include_tax", models.BooleanField(default=True, verbose_name="prices include tax")),
                ("subtotal", wagtail_orders.models.fields.MoneyField(default=0, verbose_name="subtotal")),
                (
                    "discount_total",
                    wagtail_orders.models.fields.MoneyField(default=0, verbose_name="discount"),
                ),
                (
                    "shipping_total",
                    wagtail_orders.models.fields.MoneyField(default=0, verbose_name="shipping"),
                ),
                (
                    "shipping_tax_rate",
                    models.DecimalField(
                        decimal_places=4, default=0, max_digits=7, verbose_name="shipping tax rate (%)"
                    ),
                ),
                ("tax_total", wagtail_orders.models.fields.MoneyField(default=0, verbose_name="tax")),
                ("taxes", models.JSONField(blank=True, default=list, verbose_name="taxes by rate")),
                ("total", wagtail_orders.models.fields.MoneyField(default=0, verbose_name="total")),
                (
                    "amount_paid",
                    wagtail_orders.models.fields.MoneyField(default=0, verbose_name="amount paid"),
                ),
                (
                    "amount_refunded",
                    wagtail_orders.models.fields.MoneyField(default=0, verbose_name="amount refunded"),
                ),
                (
                    "payment_method",
                    models.CharField(blank=True, max_length=50, verbose_name="payment method"),
                ),
                (
                    "shipping_method_name",
                    models.CharField(blank=True, max_length=255, verbose_name="shipping method"),
                ),
                ("customer_note", models.TextField(blank=True, verbose_name="customer's remarks")),
                (
                    "data",
                    models.JSONField(
                        blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wagtailcore.site",
                        verbose_name="site",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="wagtail_orders",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="customer's account",
                    ),
                ),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "ordering": ["-placed_at", "-id"],
                "permissions": [("export_order", "Can export orders")],
            },
        ),
        migrations.CreateModel(
            name="OrderEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("placed", "Placed"),
                            ("paid", "Paid"),
                            ("unpaid", "Marked as unpaid"),
                            ("payment_recorded", "Payment recorded"),
                            ("refunded", "Refunded"),
                            ("shipped", "Shipped"),
                            ("shipment_updated", "Parcel changed"),
                            ("shipment_cancelled", "Parcel cancelled"),
                            ("handled", "Handled"),
                            ("unhandled", "Marked as not handled"),
                            ("cancelled", "Cancelled"),
                            ("reopened", "Reopened"),
                            ("archived", "Archived"),
                            ("unarchived", "Taken back from the archive"),
                            ("deleted", "Deleted"),
                            ("note_added", "Note written"),
                            ("note_edited", "Note changed"),
                            ("note_deleted", "Note deleted"),
                            ("customer_edited", "Customer's details changed"),
                            ("flagged", "Needs a look"),
                            ("unflagged", "Looked at"),
                        ],
                        max_length=40,
                    ),
                ),
                (
                    "data",
                    models.JSONField(
                        blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("dispatched_at", models.DateTimeField(blank=True, null=True)),
                ("dispatch_attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_dispatch_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("dispatch_error", models.TextField(blank=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="wagtail_orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("sku", models.CharField(blank=True, db_index=True, max_length=100, verbose_name="SKU")),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("options", models.JSONField(blank=True, default=list, verbose_name="options")),
                ("quantity", models.DecimalField(decimal_places=4, max_digits=12, verbose_name="quantity")),
                (
                    "unit_price",
                    models.DecimalField(decimal_places=6, max_digits=15, verbose_name="unit price"),
                ),
                (
                    "tax_rate",
                    models.DecimalField(
                        decimal_places=4, default=0, max_digits=7, verbose_name="tax rate (%)"
                    ),
                ),
                (
                    "discount",
                    models.DecimalField(decimal_places=6, default=0, max_digits=15, verbose_name="discount"),
                ),
                ("total", wagtail_orders.models.fields.MoneyField(verbose_name="total")),
                ("tax", wagtail_orders.models.fields.MoneyField(blank=True, null=True, verbose_name="tax")),
                ("product_url", models.CharField(blank=True, max_length=2000)),
                (
                    "data",
                    models.JSONField(
                        blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="wagtail_orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "line",
                "verbose_name_plural": "lines",
                "ordering": ["order_id", "position"],
            },
        ),
        migrations.CreateModel(
            name="OrderNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(verbose_name="text")),
                (
                    "visible_to_customer",
                    models.BooleanField(default=False, verbose_name="the customer may see it"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="written"),
                ),
                ("edited_at", models.DateTimeField(blank=True, null=True, verbose_name="changed")),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="wagtail_orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="OrderSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("shop_name", models.CharField(blank=True, max_length=255, verbose_name="shop's name")),
                ("address", models.TextField(blank=True, verbose_name="address")),
                ("vat_number", models.CharField(blank=True, max_length=50, verbose_name="VAT number")),
                (
                    "registration_number",
                    models.CharField(blank=True, max_length=100, verbose_name="registration number"),
                ),
                ("bank_details", models.TextField(blank=True, verbose_name="bank details")),
                (
                    "color",
                    models.CharField(
                        blank=True,
                        max_length=7,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^#[0-9a-fA-F]{6}\\Z", "Write a colour as # and six digits, such as #2e6b4f."
                            )
                        ],
                        verbose_name="colour",
                    ),
                ),
                ("sender", models.EmailField(blank=True, max_length=254, verbose_name="sender of e-mails")),
                (
                    "recipients",
                    models.TextField(
                        blank=True,
                        help_text="One e-mail address a line.",
                        verbose_name="who is told of new orders",
                    ),
                ),
                ("footer", models.TextField(blank=True, verbose_name="footer")),
                (
                    "mail_confirmation",
                    models.BooleanField(default=True, verbose_name="confirmation of the order"),
                ),
                ("mail_payment_received", models.BooleanField(default=True, verbose_name="payment received")),
                ("mail_shipped", models.BooleanField(default=True, verbose_name="parcel on its way")),
                ("mail_cancelled", models.BooleanField(default=True, verbose_name="order cancelled")),
                ("mail_refunded", models.BooleanField(default=True, verbose_name="money refunded")),
                (
                    "number_prefix",
                    models.CharField(
                        blank=True,
                        help_text="For example B-, which makes B-2026-00042 of 2026-00042. Orders with another prefix are counted apart.",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[^\\W_]([\\w./-]*)\\Z", "Use letters, digits and - . / _ only, no space."
                            )
                        ],
                        verbose_name="before order numbers",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        choices=wagtail_orders.models.settings.time_zones,
                        help_text="Decides in which year an order of New Year's Eve is numbered. Empty: the website's own.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "logo",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=get_image_model_string(),
                        verbose_name="logo",
                    ),
                ),
                (
                    "site",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="order_settings",
                        to="wagtailcore.site",
                    ),
                ),
            ],
            options={
                "verbose_name": "orders",
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("payment", "Payment"), ("refund", "Refund")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("confirmed", "Confirmed"),
                            ("failed", "Failed"),
                            ("voided", "Voided"),
                        ],
                        default="confirmed",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("amount", wagtail_orders.models.fields.MoneyField(verbose_name="amount")),
                ("method", wagtail_orders.models.fields.ExactCharField(max_length=50, verbose_name="method")),
                (
                    "reference",
                    wagtail_orders.models.fields.ExactCharField(
                        blank=True, max_length=255, null=True, verbose_name="reference"
                    ),
                ),
                ("is_manual", models.BooleanField(default=True, verbose_name="noted by hand")),
                ("received_on", models.DateField(verbose_name="received on")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="recorded"),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="payments",
                        to="wagtail_orders.order",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recorded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Shipment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "shipping_method_name",
                    models.CharField(blank=True, max_length=255, verbose_name="shipping method"),
                ),
                (
                    "tracking_number",
                    models.CharField(blank=True, db_index=True, max_length=255, verbose_name="parcel number"),
                ),
                ("tracking_url", models.CharField(blank=True, max_length=2000, verbose_name="tracking link")),
                (
                    "shipped_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="shipped"),
                ),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="customer told")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="cancelled")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shipments",
                        to="wagtail_orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "parcel",
                "verbose_name_plural": "parcels",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ShipmentLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.DecimalField(decimal_places=4, max_digits=12, verbose_name="quantity")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shipment_lines",
                        to="wagtail_orders.orderline",
                    ),
                ),
                (
                    "shipment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="wagtail_orders.shipment",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ShippingMethod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("carrier", models.CharField(blank=True, max_length=50, verbose_name="carrier")),
                (
                    "tracking_url_template",
                    models.CharField(blank=True, max_length=1000, verbose_name="tracking link"),
                ),
                ("price", wagtail_orders.models.fields.MoneyField(default=0, verbose_name="price")),
                ("is_active", models.BooleanField(default=True, verbose_name="offered")),
                ("sort_order", models.PositiveIntegerField(default=0, verbose_name="position")),
            ],
            options={
                "verbose_name": "shipping method",
                "verbose_name_plural": "shipping methods",
                "ordering": ["sort_order", "name", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("price__gte", 0)), name="orders_shipping_price"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="shipment",
            name="shipping_method",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="wagtail_orders.shippingmethod",
                verbose_name="shipping method",
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="shipping_method",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="wagtail_orders.shippingmethod",
                verbose_name="shipping method",
            ),
        ),
        migrations.CreateModel(
            name="OrderAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("billing", "Billing address"), ("shipping", "Shipping address")],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("company", models.CharField(blank=True, max_length=255, verbose_name="company")),
                ("street", models.TextField(max_length=500, verbose_name="street")),
                ("postal_code", models.CharField(blank=True, max_length=20, verbose_name="postal code")),
                ("city", models.CharField(blank=True, max_length=255, verbose_name="city")),
                ("region", models.CharField(blank=True, max_length=255, verbose_name="region")),
                ("country", models.CharField(max_length=2, verbose_name="country")),
                ("phone", models.CharField(blank=True, max_length=64, verbose_name="phone")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="wagtail_orders.order",
                    ),
                ),
            ],
            options={
                "verbose_name": "address",
                "verbose_name_plural": "addresses",
                "ordering": ["order_id", "kind"],
                "constraints": [
                    models.UniqueConstraint(fields=("order", "kind"), name="orders_one_address_of_a_kind")
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                ("recipient", models.EmailField(max_length=254, verbose_name="recipient")),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="next attempt")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                ("message_id", models.CharField(blank=True, max_length=255)),
                ("subject", models.CharField(blank=True, max_length=998, verbose_name="subject")),
                ("text_body", models.TextField(blank=True, verbose_name="text")),
                ("html_body", models.TextField(blank=True, verbose_name="HTML")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="queued"),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="wagtail_orders.orderevent",
                    ),
                ),
            ],
            options={
                "verbose_name": "e-mail",
                "verbose_name_plural": "e-mails",
                "ordering": ["id"],
                "indexes": [models.Index(fields=["state", "next_attempt_at"], name="orders_mail_due")],
                "constraints": [
                    models.UniqueConstraint(fields=("event", "kind", "recipient"), name="orders_mail_once")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.UniqueConstraint(
                fields=("order", "position"), name="orders_one_line_at_a_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0), ("total__gte", 0)), name="orders_line_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                fields=("method", "reference"), name="orders_one_payment_a_reference"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="orders_payment_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="shipmentline",
            constraint=models.UniqueConstraint(fields=("shipment", "line"), name="orders_line_once_a_parcel"),
        ),
        migrations.AddConstraint(
            model_name="shipmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="orders_shipped_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["is_archived", "-placed_at", "-id"], name="orders_listing"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["is_archived", "payment_status", "-placed_at", "-id"], name="orders_by_payment"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["is_archived", "fulfillment_status", "-placed_at", "-id"],
                name="orders_by_fulfillment",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["is_archived", "status", "-placed_at", "-id"], name="orders_by_status"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-placed_at", "-id"], name="orders_all"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["needs_look", "-placed_at", "-id"], name="orders_to_look_at"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["email", "-placed_at"], name="orders_by_email"),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("archived_at__isnull", False), ("is_archived", True)),
                    models.Q(("archived_at__isnull", True), ("is_archived", False)),
                    _connector="OR",
                ),
                name="orders_archived_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled_at__isnull", False), ("status", "cancelled")),
                    models.Q(("cancelled_at__isnull", True), ("status", "open")),
                    _connector="OR",
                ),
                name="orders_cancelled_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fulfillment_status", "fulfilled"), ("handled_at__isnull", False)),
                    models.Q(
                        ("fulfillment_status__in", ["unfulfilled", "partially_fulfilled"]),
                        ("handled_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="orders_handled_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "payment_status__in",
                        [
                            "unpaid",
                            "pending",
                            "partially_paid",
                            "paid",
                            "overpaid",
                            "partially_refunded",
                            "refunded",
                        ],
                    )
                ),
                name="orders_payment_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_paid__gte", 0),
                    ("amount_refunded__gte", 0),
                    ("discount_total__gte", 0),
                    ("shipping_total__gte", 0),
                    ("subtotal__gte", 0),
                    ("tax_total__gte", 0),
                    ("total__gte", 0),
                ),
                name="orders_amounts_not_negative",
            ),
        ),
    ]
