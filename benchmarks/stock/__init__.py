"""The same orders behind what Wagtail gives any model, and a model without rows for the floor."""
