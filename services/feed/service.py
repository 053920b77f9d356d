"""`feed`: the integrators' door: every event, masked, numbered without a gap, on a stream and by webhook."""

from pathlib import Path

from yimen.runtime.declaration import Service

from services.feed.handlers import HANDLERS
from services.feed.servicer import feed_mount
from services.feed.stream import StreamEntries
from services.feed.tables import METADATA
from services.feed.webhooks import deliver

SERVICE = Service(
    name="feed",
    title="公共事件流",
    purpose="Every event for integrators: masked, numbered without a gap, on a stream, in own queues and by webhook",
    tables=METADATA,
    migrations=(Path(__file__).parent / "migrations",),
    handlers=HANDLERS,
    servicers=lambda app: [feed_mount(app)],
    loops=(StreamEntries(), deliver),
    has_public_stream=True,
)
