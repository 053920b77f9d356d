"""Is a deployment well? Each check says what is wrong and what to do; nothing is changed.

Keys, database, migrations, clocks, broker, permissions, queue, peers, and what waits where it should not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from yimen.bus.deadletters import dead_letters
from yimen.bus.reach import backlog_of, check_broker, may_publish
from yimen.bus.topology import exchange_of, queue_of
from yimen.kernel.clock import CHINA, SystemClock
from yimen.kernel.errors import Fault
from yimen.rpc.health import is_serving
from yimen.runtime.declaration import Service
from yimen.runtime.registry import services
from yimen.runtime.settings import Settings
from yimen.security.keys import KeyRing
from yimen.store import migrate
from yimen.store.tables import outbox, parked, timer
from yimen.store.unit import Store

SKEW_MAX = timedelta(seconds=5)
OUTBOX_AGE_MAX = timedelta(minutes=1)
OUTBOX_ROWS_MAX = 1_000
BACKLOG_MAX = 1_000
TIMER_LATE_MAX = timedelta(minutes=10)


@dataclass(frozen=True)
class Finding:
    """One check of one service. `advice` is empty when all is well."""

    service: str
    check: str
    found: str
    advice: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing needs to be done."""
        return not self.advice


def examine(service: Service, settings: Settings) -> Iterator[Finding]:
    """All checks of one service with the settings that its processes have."""
    for name, check in CHECKS:
        try:
            found, advice = check(service, settings)
        except Fault as fault:
            found, advice = fault.message, ADVICE_UNREACHABLE.get(fault.code, fault.code)
        yield Finding(service.name, name, found, advice)


ADVICE_UNREACHABLE = {
    "DATABASE_UNAVAILABLE": "检查 YIMEN_DATABASE_URL、数据库进程、网络和 pg_hba.conf",
    "BROKER_UNAVAILABLE": "检查 YIMEN_AMQP_URL、RabbitMQ 进程、虚拟主机和账号",
}
Outcome = tuple[str, str]


def _keys(service: Service, settings: Settings) -> Outcome:
    ring = KeyRing(settings.keys, service.name)
    try:
        signature = ring.sign(b"doctor")
    except (OSError, ValueError, RuntimeError) as error:
        return type(error).__name__, f"把私钥 {service.name}.key 放进 YIMEN_KEYS"
    if not ring.verify(service.name, b"doctor", signature):
        return "公钥与私钥不配对", f"重新分发 {service.name}.pub"
    missing = [name for name in services() if not (settings.keys / f"{name}.pub").exists()]
    mode = (settings.keys / f"{service.name}.key").stat().st_mode & 0o077
    if missing:
        return f"缺 {'、'.join(missing)} 的公钥", "向这些部门索取公钥,放进 YIMEN_KEYS"
    return "齐全", f"私钥别人可读:chmod 600 {service.name}.key" if mode else ""


def _database(service: Service, settings: Settings) -> Outcome:
    store = Store(settings.database_url)
    try:
        store.ping()
        return store.engine.dialect.name, ""
    finally:
        store.close()


def _migrations(service: Service, settings: Settings) -> Outcome:
    store = Store(settings.database_url)
    try:
        with store.transaction(write=False) as tx:
            present = set(MigrationContext.configure(tx.connection).get_current_heads())
        script = ScriptDirectory.from_config(migrate.configuration(store, [migrate.COMMON_VERSIONS, *service.migrations]))
        wanted = set(script.get_heads())
        if present == wanted:
            return "最新", ""
        return f"现为 {'、'.join(sorted(present)) or '空'}", f"执行 yimen migrate {service.name}"
    finally:
        store.close()


def _clocks(service: Service, settings: Settings) -> Outcome:
    machine = SystemClock().now()
    skews = {}
    store = Store(settings.database_url)
    try:
        if store.engine.dialect.name == "postgresql":
            with store.transaction(write=False) as tx:
                told: datetime = tx.connection.execute(sa.text("select clock_timestamp()")).scalar_one()
            skews["数据库"] = abs(told.astimezone(CHINA) - machine)
    finally:
        store.close()
    county = abs(settings.clock.now() - machine)
    wrong = [f"{where}相差 {skew.total_seconds():.0f} 秒" for where, skew in skews.items() if skew > SKEW_MAX]
    if wrong:
        return ",".join(wrong), "让各台机器对时(NTP)"
    return "一致" if county < SKEW_MAX else f"演练时钟 {settings.clock.now():%Y-%m-%d %H:%M}", ""


def _broker(service: Service, settings: Settings) -> Outcome:
    check_broker(settings.amqp_url)
    return urlsplit(settings.amqp_url).hostname or "", ""


def _permissions(service: Service, settings: Settings) -> Outcome:
    others = [name for name in services() if name != service.name]
    if not may_publish(settings.amqp_url, exchange_of(service.name)):
        return "不能发布到自己的交换机", f"管理员执行 yimen setup {service.name} 并按 yimen broker 授权"
    if may_publish(settings.amqp_url, exchange_of(others[0])):
        return "能冒用别的服务的交换机", "为每个服务设单独的账号,按 yimen broker 授权"
    return "只能发布到自己的交换机", ""


def _queue(service: Service, settings: Settings) -> Outcome:
    waiting, consumers = backlog_of(settings.amqp_url, queue_of(service.name))
    if not consumers:
        return f"积压 {waiting},无人消费", f"启动 yimen worker {service.name}"
    return f"积压 {waiting}", "处理跟不上:看日志和 parked,必要时查数据库" if waiting > BACKLOG_MAX else ""


def _dead(service: Service, settings: Settings) -> Outcome:
    count = len(dead_letters(settings.amqp_url, service.name))
    return f"{count} 封", "yimen dlq list,逐封重投或放弃" if count else ""


def _peers(service: Service, settings: Settings) -> Outcome:
    silent = [name for name in [service.name, *service.peers] if not is_serving(settings.peer(name))]
    return ("全部应答" if not silent else f"{'、'.join(silent)} 不应答",
            f"检查 YIMEN_PEERS,启动 yimen server {silent[0]}" if silent else "")


def _waiting(service: Service, settings: Settings) -> Outcome:
    store, now = Store(settings.database_url), SystemClock().now()
    try:
        with store.transaction(write=False) as tx:
            oldest = tx.first(outbox, published_at=None, order_by=outbox.c.position)
            unpublished = tx.count(outbox, published_at=None)
            failed = tx.count(parked, state="failed")
            held = tx.count(parked)
            late = tx.count(timer, timer.c.due_at < settings.clock.now() - TIMER_LATE_MAX, fired_at=None)
    finally:
        store.close()
    found = f"未发布 {unpublished},搁置 {held}(失败 {failed}),误期定时 {late}"
    if failed:
        return found, "yimen parked list,排除原因后 retry"
    if late:
        return found, f"server 进程没有在跑定时任务:看 {service.name} server 的日志"
    aged = oldest is not None and settings.clock.now() - oldest["created_at"] > OUTBOX_AGE_MAX
    stuck = unpublished > OUTBOX_ROWS_MAX or (aged and abs(settings.clock.now() - now) < SKEW_MAX)
    return found, "server 进程没有在发布:看其日志和消息服务器" if stuck else ""


CHECKS: list[tuple[str, Callable[[Service, Settings], Outcome]]] = [
    ("密钥", _keys), ("数据库", _database), ("表结构", _migrations), ("时钟", _clocks), ("消息服务器", _broker),
    ("消息权限", _permissions), ("队列", _queue), ("死信", _dead), ("对方服务", _peers), ("积压", _waiting),
]
