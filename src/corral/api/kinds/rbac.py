"""Roles and their bindings."""

from corral.api.rules import Rules


class RoleRules(Rules):
    """Rules of rbac.authorization.k8s.io Role."""


class ClusterRoleRules(Rules):
    """Rules of rbac.authorization.k8s.io ClusterRole."""


class RoleBindingRules(Rules):
    """Rules of rbac.authorization.k8s.io RoleBinding."""


class ClusterRoleBindingRules(Rules):
    """Rules of rbac.authorization.k8s.io ClusterRoleBinding."""


RULES = {
    "Role": RoleRules(),
    "ClusterRole": ClusterRoleRules(),
    "RoleBinding": RoleBindingRules(),
    "ClusterRoleBinding": ClusterRoleBindingRules(),
}
