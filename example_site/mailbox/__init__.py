"""The demo's mailbox: what the example site mails is kept and shown here instead of being sent.

For the demo only. Whoever reaches the page reads every mail, with the customers' names, addresses and links, so
the pages are closed unless DEBUG is on, and closed as well when EMAIL_URL sends the mails out.
"""

from django.conf import settings


def is_open():
    """Whether there are mails to look at, and everybody here may look."""
    return bool(settings.DEBUG and settings.MAILBOX_DIR)
