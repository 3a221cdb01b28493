"""What became of a file's orders, or would, in sentences for the admin and the terminal."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..money import format_amount, format_count

#: So many names of a kind stand in one sentence.
_MOST_NAMES = 10


def sums(done):
    """What the file comes to, in sentences."""
    new = done.new
    if done.is_written:
        said = ngettext("%(count)s order was brought over", "%(count)s orders were brought over", new)
    else:
        said = ngettext("%(count)s order is new", "%(count)s orders are new", new)
    totals = [format_amount(total, currency) for currency, total in sorted(done.totals.items())]
    said %= {"count": format_count(new)}
    yield (
        _("%(sentence)s: %(amounts)s.") % {"sentence": said, "amounts": " + ".join(totals)}
        if totals
        else f"{said}."
    )
    if done.existing:
        if done.is_written:
            said = ngettext(
                "%(count)s order existed already and stayed as it was.",
                "%(count)s orders existed already and stayed as they were.",
                done.existing,
            )
        else:
            said = ngettext(
                "%(count)s order exists here already.", "%(count)s orders exist here already.", done.existing
            )
        yield said % {"count": format_count(done.existing)}
    if done.wrong:
        said = ngettext("%(count)s order is wrong.", "%(count)s orders are wrong.", done.wrong)
        yield said % {"count": format_count(done.wrong)}


def unknown(done):
    """What the orders name and nothing here has, each as a sentence and the names."""
    for names, said in (
        (done.unknown_sites, _("Sites that are not known here; their orders come to the default site")),
        (
            done.unknown_users,
            _("Users that are not known here; orders, payments and notes come without them"),
        ),
        (
            done.unknown_shipping_methods,
            _("Shipping methods that are not known here; only their name is kept"),
        ),
    ):
        if names:
            yield said, _listed(names)


def _listed(names):
    listed = [f"{name} ({format_count(count)})" for name, count in names.most_common(_MOST_NAMES)]
    return ", ".join(listed) + ("…" if len(names) > _MOST_NAMES else "")
