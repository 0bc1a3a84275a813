"""Documents, their versions in force, and who accepted which (rules A2)."""
