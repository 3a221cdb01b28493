from django.db import models

from wagtail_orders.models import Order


class StockOrder(Order):
    class Meta:
        proxy = True
        verbose_name = "stock order"


class Nothing(models.Model):
    """Never has a row."""

    name = models.CharField(max_length=255)

    def __str__(self):
        return self.name


class Load(models.Model):
    """What the database was filled with."""

    orders = models.PositiveIntegerField()
    #: Names the package's migrations and the loader as they were.
    made_by = models.CharField(max_length=64)

    def __str__(self):
        return f"{self.orders} orders"
