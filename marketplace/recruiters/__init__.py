"""Recruiters and their companies: registration, professional e-mail, verification, states."""
