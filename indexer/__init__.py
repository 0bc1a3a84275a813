"""From rows and PDF files to search documents: everything that runs after the commit."""
