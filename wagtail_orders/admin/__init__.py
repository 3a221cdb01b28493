"""The owner's screens, in the Wagtail admin."""
