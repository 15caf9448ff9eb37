"""A module a command; the only place where rooms are wired together. Outside: logic worth testing."""
