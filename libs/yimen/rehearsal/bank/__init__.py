"""A stand-in bank: a server of its own that keeps its word once per instruction id and misbehaves on purpose (`book.judge`).

It speaks what a county's bank might: gRPC (`gateway`), HTTP (`web`) and ISO 20022 files (`folder`), all over one book.
"""

from yimen.rehearsal.bank.book import NAME, Book, judge
from yimen.rehearsal.bank.gateway import Bank, serve

__all__ = ["NAME", "Bank", "Book", "judge", "serve"]
