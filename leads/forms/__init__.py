"""What people type into pages."""
