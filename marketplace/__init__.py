"""The Recruiter Talent Marketplace: portals, API, rules and storage."""

__version__ = "0.1.0"
