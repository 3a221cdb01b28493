"""The demo's content: what the shop sells, and the orders it has had."""
