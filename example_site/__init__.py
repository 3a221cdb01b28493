"""The example site: a small pottery shop that hands its orders to wagtail_orders."""
