"""Clock, backoff, task supervision, errors. Knows no Kubernetes."""
