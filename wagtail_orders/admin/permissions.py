"""Who may do what with orders in the admin."""

from wagtail.permission_policies import ModelPermissionPolicy

from ..models import Order


class OrderPermissionPolicy(ModelPermissionPolicy):
    """Django's model permissions, but for "add": orders come from a shop, nobody writes one in the admin."""

    def user_has_permission(self, user, action):
        return action != "add" and super().user_has_permission(user, action)

    def user_has_any_permission(self, user, actions):
        return super().user_has_any_permission(user, set(actions) - {"add"})

    def users_with_any_permission(self, actions):
        return super().users_with_any_permission(set(actions) - {"add"})


policy = OrderPermissionPolicy(Order)


def may_look(user):
    """Whether ``user`` may see orders at all: who may change or delete them may look at them."""
    return policy.user_has_any_permission(user, {"view", "change", "delete"})
