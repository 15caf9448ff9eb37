"""Clock, backoff, tasks, processes, files, raw connections, TLS, HTTP, errors. Knows no Kubernetes."""
