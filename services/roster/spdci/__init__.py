"""SPDCI Social Registry 1.0.0 over the ledger: search and subscribe for integrators who speak that (docs.spdci.org).

    messages.py   what comes in, checked       envelope.py   header, signature, answers
    search.py     who and what is found        subscribe.py  who is told of a changed category
    desk.py       HTTP                         callbacks.py  answers and notices on their way out
"""
