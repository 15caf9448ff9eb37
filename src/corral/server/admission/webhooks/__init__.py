"""Admission webhooks: HTTPS servers that change and judge writes (mutating first, one after the other; validating at once).

`configurations` compiles what the cluster's webhook configurations say; `review` is the wire format, `call` one call of one
webhook, `mutating` and `validating` are the two plugins.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/

Outside: how a webhook is reached (`server.webhookclient`), which requests match (`admission.matching`), versions of objects
(`admission.versions`).
"""
