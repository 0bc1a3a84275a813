"""Work on PDF files that strangers sent, always done in a limited process (rules C4, D4)."""
