"""Stack Offset Scans: several scans of one page become one page."""
