"""What keeps the desired state true, one module a controller: `plan` is pure, `act` is dumb.

Outside: the store; controllers use the client only.
"""
