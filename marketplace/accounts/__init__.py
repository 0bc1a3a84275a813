"""Accounts: sign-up, sign-in, passwords, sessions, single-use mail links. One role an account."""
