"""Named quotas, and the limiter that counts them (rules E1)."""
