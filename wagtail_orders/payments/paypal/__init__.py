"""PayPal: Orders v2 and Payments v2, asked with ``requests``; what it reports is verified, stored and looked up."""
