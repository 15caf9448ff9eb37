"""FlowSchemas."""

from corral.api.rules import Rules


class FlowSchemaRules(Rules):
    """Rules of flowcontrol.apiserver.k8s.io FlowSchema."""

    has_generation = True
    has_status = True


RULES = {"FlowSchema": FlowSchemaRules()}
