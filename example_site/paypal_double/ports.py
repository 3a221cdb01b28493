"""Which ports the double takes beside a demo, and whether they are free."""

import socket

HOST = "127.0.0.1"


class PortTaken(Exception):
    """Somebody else listens there."""


def ports_beside(port, *, are_to_be_free=False):
    """The ports of API and pages beside a demo on ``port``; ``PortTaken`` names one that is not free or none at all."""
    chosen = (port + 1, port + 2)
    for one in chosen:
        if one > 65535:
            raise PortTaken(f"There is no port {one} for PayPal's double.")
        if are_to_be_free and not is_free(one):
            raise PortTaken(f"Port {one}, which PayPal's double needs, is taken.")
    return chosen


def is_free(port):
    with socket.socket() as tried:
        # As servers do: what another has just left is free.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
