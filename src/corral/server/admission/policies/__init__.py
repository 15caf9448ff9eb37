"""Admission policies: rules of the cluster in CEL, which refuse writes (ValidatingAdmissionPolicy) or change them (Mutating…).

A policy says what is asked, a binding where, and with which parameters. `definitions` compiles both, `known` keeps them in step
with the cluster, `invocations` finds what a write is evaluated for, `parameters` the objects that a binding names. `validating`
and `mutating` are the plugins; `judging` and `changing` do the work, with CEL, and are loaded with the first policy.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/, .../mutating-admission-policy/

Outside: what expressions may speak of (`api.admissioncel`, `admission.expressions`), which requests match
(`admission.matching`).
"""
