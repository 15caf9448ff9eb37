"""The container runtime interface: the only place that knows gRPC and the stubs."""
