"""ShipStation's Custom Store: the door through which it fetches orders and tells of parcels."""
