"""Reads a county's feed with plain kombu: python subscriber.py amqp://user:password@host/vhost [offset]

`offset` is first (default), last, next, or a number. Needs nothing but `pip install kombu`.
"""

import json
import sys

from kombu import Connection, Consumer, Queue

STREAM = "yimen.feed.stream"


def handle(event: dict) -> None:
    """Your own work goes here. A number may come twice after a crash: keep the last one and skip up to it."""
    print(event["sequence"], event["time"], event["type"], event["subject"], json.dumps(event["data"], ensure_ascii=False))


def main(url: str, offset: str = "first") -> None:
    """Prints every event until it is stopped."""
    start = int(offset) if offset.isdigit() else offset
    queue = Queue(STREAM, durable=True, no_declare=True, consumer_arguments={"x-stream-offset": start})

    def on_message(message) -> None:
        handle(json.loads(message.body))
        message.ack()

    with Connection(url) as connection, Consumer(connection.channel(), [queue], on_message=on_message,
                                                 prefetch_count=100, auto_declare=False):
        while True:
            connection.drain_events()


if __name__ == "__main__":
    main(*sys.argv[1:])
