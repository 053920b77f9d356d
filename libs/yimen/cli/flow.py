"""The fund-flow picture: budget → channel → use → township and households, as one HTML page that needs nothing else (R138,
7.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from yimen.kernel.money import yuan

LEVELS = {"central": "中央资金", "province": "省级资金", "city": "市级资金", "county": "县级资金"}
# Uses of a line, in the order in which they are drawn: (field, title, colour).
USES = (
    ("paid_fen", "已到账", "#2f7d5b"),
    ("in_batch_fen", "发放中", "#3f8fb0"),
    ("reserved_fen", "已预留", "#8fb5d6"),
    ("purchased_fen", "购买服务", "#b59ad6"),
    ("owed_back_fen", "待追回", "#c8553d"),
)
IMPREST_COLOUR, LEVEL_COLOUR, CHANNEL_COLOUR, PLACE_COLOUR = "#d6a23f", "#6b7a8f", "#41566f", "#4f9d7c"
WIDTH, HEIGHT, BAR, GAP, TOP = 1180, 760, 16, 8, 40
COLUMNS = (150, 420, 690, 940)
TOWNSHIPS_SHOWN = 14
THIN = 10  # of the thinnest bar: its words must fit beside it


Edges = dict[tuple[str, str], int]


@dataclass
class Node:
    """A bar; its height is what passes through it."""

    column: int
    title: str
    colour: str
    fen: int = 0
    note: str = ""
    # Drawn below the others, whatever it comes to.
    last: bool = False
    y: float = 0.0
    height: float = 0.0
    left: float = 0.0
    right: float = 0.0


def picture(overview: Sequence[Any], paid: Sequence[Any], names: dict[str, str], county: str, day: str) -> str:
    """The page."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], int] = defaultdict(int)

    def node(key: str, column: int, title: str, colour: str) -> str:
        nodes.setdefault(key, Node(column, title, colour))
        return key

    for channel in overview:
        _channel(channel, node, edges)
    _places(paid, names, node, edges, nodes)
    _lay_out(nodes, edges)
    body = "\n".join([*_ribbons(nodes, edges), *(_bar(one) for one in nodes.values())])
    heads = "".join(
        f'<text x="{x}" y="18" class="head">{escape(text)}</text>'
        for x, text in zip(COLUMNS, ("资金来源", "部门渠道", "用途", "到达乡镇(户数)"), strict=True)
    )
    return PAGE.format(
        county=escape(county),
        day=escape(day),
        width=WIDTH,
        height=HEIGHT,
        heads=heads,
        body=body,
        table=_table(overview),
        total=yuan(sum(one.amount_fen for one in paid)),
        households=sum(one.households for one in paid),
    )


def _channel(channel: Any, node: Callable[[str, int, str, str], str], edges: Edges) -> None:
    own = f"c:{channel.channel}"
    imprest = channel.imprest_fen
    for line in channel.lines:
        used = {title: (getattr(line, field), colour) for field, title, colour in USES}
        if line.level == "county" and imprest:
            used["乡镇备用金"] = (imprest, IMPREST_COLOUR)
            imprest = 0
        moved = sum(fen for fen, _ in used.values())
        if moved:
            node(own, 1, channel.title, CHANNEL_COLOUR)
            edges[node(f"l:{line.level}", 0, LEVELS[line.level], LEVEL_COLOUR), own] += moved
        for title, (fen, colour) in used.items():
            if fen:
                edges[own, node(f"u:{title}", 2, title, colour)] += fen


def _places(paid: Sequence[Any], names: dict[str, str], node: Callable[[str, int, str, str], str], edges: Edges,
            nodes: dict[str, Node]) -> None:
    fen: dict[str, int] = defaultdict(int)
    homes: dict[str, int] = defaultdict(int)
    for one in paid:
        fen[one.township_code] += one.amount_fen
        homes[one.township_code] += one.households
    shown = sorted(fen, key=lambda code: -fen[code])
    for number, code in enumerate(shown):
        rest = number >= TOWNSHIPS_SHOWN
        title = f"其余 {len(shown) - TOWNSHIPS_SHOWN} 个乡镇" if rest else names.get(code, code)
        key = node("t:rest" if rest else f"t:{code}", 3, title, PLACE_COLOUR)
        edges["u:已到账", key] += fen[code]
        nodes[key].last = rest
        nodes[key].note = f"{int(nodes[key].note or 0) + homes[code]}"


def _lay_out(nodes: dict[str, Node], edges: dict[tuple[str, str], int]) -> None:
    for (source, target), fen in edges.items():
        nodes[source].right += fen
        nodes[target].left += fen
    for one in nodes.values():
        one.fen = int(max(one.left, one.right))
        one.left = one.right = 0.0
    for column in range(len(COLUMNS)):
        mine = sorted((one for one in nodes.values() if one.column == column), key=lambda one: (one.last, -one.fen))
        room = HEIGHT - TOP - GAP * max(len(mine) - 1, 0) - THIN * len(mine)
        scale = room / max(sum(one.fen for one in mine), 1)
        y = float(TOP)
        for one in mine:
            one.y, one.height = y, THIN + one.fen * scale
            y += one.height + GAP


def _ribbons(nodes: dict[str, Node], edges: dict[tuple[str, str], int]) -> list[str]:
    drawn = []
    for (source, target), fen in sorted(edges.items(), key=lambda one: (nodes[one[0][0]].y, nodes[one[0][1]].y)):
        a, b = nodes[source], nodes[target]
        out = sum(value for (s, _), value in edges.items() if s == source)
        into = sum(value for (_, t), value in edges.items() if t == target)
        ha, hb = a.height * fen / max(out, a.fen), b.height * fen / max(into, b.fen)
        ya, yb = a.y + a.right, b.y + b.left
        a.right, b.left = a.right + ha, b.left + hb
        xa, xb = COLUMNS[a.column] + BAR, COLUMNS[b.column]
        middle = (xa + xb) / 2
        drawn.append(
            f'<path d="M{xa},{ya:.1f} C{middle},{ya:.1f} {middle},{yb:.1f} {xb},{yb:.1f} L{xb},{yb + hb:.1f} '
            f'C{middle},{yb + hb:.1f} {middle},{ya + ha:.1f} {xa},{ya + ha:.1f} Z" fill="{b.colour}" class="ribbon">'
            f"<title>{escape(a.title)} → {escape(b.title)} {yuan(fen)} 元</title></path>"
        )
    return drawn


def _bar(one: Node) -> str:
    x, right = COLUMNS[one.column], one.column > 0
    note = f" · {one.note} 户" if one.note else ""
    place = f'x="{x + BAR + 6}"' if right else f'x="{x - 6}" text-anchor="end"'
    return (
        f'<rect x="{x}" y="{one.y:.1f}" width="{BAR}" height="{one.height:.1f}" rx="2" fill="{one.colour}"/>'
        f'<text {place} y="{one.y + one.height / 2 + 4:.1f}">{escape(one.title)} '
        f'<tspan class="fen">{yuan(one.fen)}{note}</tspan></text>'
    )


def _table(overview: Sequence[Any]) -> str:
    rows = []
    for channel in overview:
        for line in channel.lines:
            cells = [
                line.budget_fen,
                line.available_fen,
                line.reserved_fen,
                line.in_batch_fen,
                line.paid_fen,
                line.owed_back_fen,
                line.idle_fen,
            ]
            share = 100 * (line.budget_fen - line.available_fen) / line.budget_fen if line.budget_fen else 0
            rows.append(
                f"<tr><td>{escape(channel.title)}</td><td>{line.year} {LEVELS[line.level]}</td>"
                + "".join(f'<td class="n{" idle" if n == 6 and fen else ""}">{yuan(fen)}</td>' for n, fen in enumerate(cells))
                + f'<td><div class="meter"><i style="width:{share:.1f}%"></i></div></td></tr>'
            )
    return "\n".join(rows)


PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{county} 救助资金流向 {day}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>
body{{font:14px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#22303c;margin:2rem
auto;max-width:1180px;padding:0 1rem}}
h1{{font-size:1.5rem;margin:0}} p{{margin:.2rem 0 1rem;color:#5a6a7a}} svg{{width:100%;height:auto}}
text{{font-size:12px;fill:#22303c}} .head{{font-weight:600;fill:#5a6a7a}} .fen{{fill:#6b7a8f}}
.ribbon{{opacity:.38}} .ribbon:hover{{opacity:.75}}
table{{border-collapse:collapse;width:100%;margin-top:1.5rem;font-size:12.5px}} th,td{{padding:.35rem .5rem;border-bottom:1px
solid #e3e8ee;text-align:left}}
.n{{text-align:right;font-variant-numeric:tabular-nums}} .idle{{color:#c8553d;font-weight:600}}
.meter{{background:#e8edf2;height:8px;width:120px;border-radius:4px}} .meter
i{{display:block;height:8px;background:#2f7d5b;border-radius:4px}}
</style></head><body>
<h1>{county} 救助资金流向</h1>
<p>截至 {day} · 已到账 <b>{total}</b> 元,惠及 <b>{households}</b> 户次 · 图中只画已经动用的资金,每列按本列合计等比;结余见下表</p>
<svg viewBox="0 0 {width} {height}" role="img" aria-label="资金流向图">{heads}
{body}
</svg>
<table><thead><tr><th>渠道</th><th>预算</th><th class="n">下达</th><th class="n">可用</th><th class="n">预留</th><th
class="n">发放中</th>
<th class="n">已到账</th><th class="n">待追回</th><th class="n">滞留</th><th>动用比例</th></tr></thead><tbody>
{table}
</tbody></table></body></html>
"""
