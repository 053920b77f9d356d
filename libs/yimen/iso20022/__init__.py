"""Payment files as banks exchange them (ISO 20022), written and read a transaction at a time and checked against the schemas
that the standard publishes: pain.001 (what to pay), pain.002 (what became of it), camt.053 (a day's statement)."""

from yimen.iso20022.messages import Entry, Payment, Statement, StatusLine
from yimen.iso20022.reading import read_initiation, read_statement, read_status
from yimen.iso20022.writing import write_initiation, write_statement, write_status

__all__ = ["Entry", "Payment", "Statement", "StatusLine", "read_initiation", "read_statement", "read_status",
           "write_initiation", "write_statement", "write_status"]
