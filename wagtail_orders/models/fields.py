"""Fields whose values mean the same on every database."""

from django.db import models


class ExactCharField(models.CharField):
    """
    Text that is equal only to itself. MariaDB's and MySQL's usual collations take ``a``, ``A``, ``á`` and
    ``a `` for the same; keys, tokens and references are not.
    """

    def db_parameters(self, connection):
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            is_mariadb = connection.mysql_is_mariadb
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        return parameters


class MoneyField(models.DecimalField):
    """
    An amount in the order's currency, not negative. 15 digits are what SQLite keeps exactly; four of them
    are decimals, as many as any currency of ISO 4217 has.
    """

    def __init__(self, *args, **kwargs):
        kwargs.update(max_digits=15, decimal_places=4)
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs
