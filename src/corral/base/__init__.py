"""Clock, backoff, tasks, processes, files, raw connections, TLS, errors. Knows no Kubernetes."""
