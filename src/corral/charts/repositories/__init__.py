"""Where charts come from: repositories (an index over HTTP or in a folder) and OCI registries.

config    which repositories the user has added          http      fetching, with credentials that stay at their host
index     what a repository has                          oci       registries: log in, push, pull
resolve   from a reference to an archive                 web       requests: bounded, redirects followed
"""
