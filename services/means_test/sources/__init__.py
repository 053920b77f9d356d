"""Data sources of the information exchange (R035), one adapter a file's class, behind one port."""

from services.means_test.sources.adapters import ADAPTERS
from services.means_test.sources.port import DataSource, Finding, open_exchange

__all__ = ["ADAPTERS", "DataSource", "Finding", "open_exchange"]
