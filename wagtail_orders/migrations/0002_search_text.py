from django.db import migrations, models

from wagtail_orders.models.search import search_text

CHUNK = 500


def fill(apps, schema_editor):
    """Write what the orders that are there are found by."""
    Order = apps.get_model("wagtail_orders", "Order")
    orders = Order.objects.using(schema_editor.connection.alias)
    last = 0
    while chunk := list(
        orders.filter(pk__gt=last)
        .order_by("pk")
        .prefetch_related("addresses", "lines", "shipments", "events")[:CHUNK]
    ):
        for order in chunk:
            order.search_text = search_text(
                order,
                addresses=order.addresses.all(),
                skus=[line.sku for line in order.lines.all()],
                parcels=[
                    *(parcel.tracking_number for parcel in order.shipments.all()),
                    *(
                        event.data["before"]["tracking_number"]
                        for event in order.events.all()
                        if event.kind == "shipment_updated"
                    ),
                ],
            )
        orders.bulk_update(chunk, ["search_text"])
        last = chunk[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("wagtail_orders", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="search_text",
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
