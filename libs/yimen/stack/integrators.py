"""A broker user for an integrator: it reads the public stream, and its own queue where it wants one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from yimen.bus.stream import declare_subscription, integrator_permissions
from yimen.kernel.errors import Fault
from yimen.stack.components import Components, Tenancy

NAME = re.compile(r"^[a-z][a-z0-9_-]{1,39}$")
PASSWORD_BYTES = 24


def user_of(tenancy: Tenancy, name: str) -> str:
    """The broker's user name."""
    return f"{tenancy.vhost}_for_{name}"


def admit(components: Components, tenancy: Tenancy, service: str, name: str, types: Sequence[str], durable: bool) -> str:
    """The AMQP URL of the new user; an integrator that is there already gets a new password.

    Raises Fault FIELD_WRONG for a name that is none, SETTING_MISSING where we cannot administer the broker.
    """
    if not NAME.match(name):
        raise Fault("FIELD_WRONG", field="name", expected="小写字母开头,2 至 40 个小写字母、数字、- 或 _")
    if not components.ctl:
        raise Fault("SETTING_MISSING", name="rabbitmqctl(建立消息账号要有消息服务器的管理权)")
    user, password = user_of(tenancy, name), secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        components.rabbitmqctl("add_user", user, password)
    except Fault:
        components.rabbitmqctl("change_password", user, password)
    components.rabbitmqctl("set_permissions", "-p", tenancy.vhost, user, *integrator_permissions(service, name))
    if durable:
        declare_subscription(tenancy.broker_admin, service, name, types)
    return f"amqp://{user}:{password}@{urlsplit(tenancy.broker_admin).netloc.split('@')[-1]}/{tenancy.vhost}"
