"""The admin portal; it holds no rule of its own."""
