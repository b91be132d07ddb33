"""Sign in by SMS: a number, a code, a session."""
