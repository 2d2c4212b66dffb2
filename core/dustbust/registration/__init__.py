"""How a page lies in each of its scans."""
