"""
E-mails: which ones an event asks for, what they say, and how each is delivered once.

``receivers`` queue them as rows, ``render`` writes them, ``deliver`` sends what is queued through ``mailer``, and
``tasks`` has that done apart from the request.
"""
