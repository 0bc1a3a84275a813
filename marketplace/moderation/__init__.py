"""Keeping order: sanctions with their statements of reasons; who may impose them is the admins' portal's."""
