"""The zero-setup runtime (embedded services) and the maker of sample data."""
