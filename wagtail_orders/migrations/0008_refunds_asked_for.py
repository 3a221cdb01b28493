from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("wagtail_orders", "0007_payment_providers"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentattempt",
            name="refunds",
            field=models.JSONField(default=dict),
        ),
    ]
