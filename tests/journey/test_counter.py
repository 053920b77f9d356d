"""The commands of the counters, as an officer types them: leads, emergencies, disputes, recovery, credit, justice, offers, care."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from yimen.cli import archive, care, conferences, coverage, disputes, emergency, leads, offers, oversight, recovery, tips
from yimen.cli.connect import Place
from yimen.cli.main import app
from yimen.kernel.errors import Fault

from tests.journey.town import Town

Command = Callable[..., str]


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Callable[[Town], Command]:
    """Commands that reach a town, and what they print."""

    def at(home: Town) -> Command:
        world = home.world

        @contextmanager
        def place(must_run: bool = False) -> Iterator[Place]:
            yield Place("town", world.peers, world.services, world.databases, world.keys, world.exchange_file, world.clock, world.settle, True)

        for module in (archive, care, conferences, coverage, disputes, emergency, leads, offers, oversight, recovery, tips):
            monkeypatch.setattr(module, "place", place)

        def run(*words: str, typed: str = "") -> str:
            result = CliRunner().invoke(app, list(words), input=typed)
            home.world.settle()
            if isinstance(result.exception, Fault):
                return f"{result.exception.code}"
            assert result.exit_code == 0, f"{words}: {result.output} {result.exception}"
            return result.output

        return run

    return at


def _id(said: str) -> str:
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said)
    assert found, said
    return found[0]


def test_a_lead_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    yimen, where = counter(home), ["--township", "990101005"]
    create = ["lead", "create", "--key", "k1", "--village", "990101005001", "--source", "hotline", "--description", "独居老人断粮"]
    lead = _id(yimen(*create, typed="某某\n\n"))
    assert "待研判" in yimen("lead", "list", *where) and lead in yimen("lead", "list", *where)
    assert "前入户" in yimen("lead", "triage", lead, "--urgent", *where)
    assert yimen("lead", "triage", lead, *where) == "CASE_STATE" and yimen("lead", "triage", "nobody", *where) == "LEAD_NOT_FOUND"
    assert "可以受理" in yimen("lead", "contact", lead, "--consents", *where)
    assert yimen("lead", "close", lead, *where, "--outcome", "perhaps", "--feedback", "谢谢") == "FIELD_WRONG"
    assert "已办结" in yimen("lead", "close", lead, *where, "--outcome", "referred", "--reference", "vagrant", "--feedback", "已转救助站")
    assert yimen("lead", "list", *where) == "" and "已转介" in yimen("lead", "list", "--all", *where)


def test_an_emergency_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    yimen = counter(town("c18_wage_goes_up", date(2026, 3, 3)))
    declare = ["emergency", "declare", "--legal-basis", "示例县政发〔2026〕12号"]
    assert yimen(*declare, "--starts-on", "2026-02-31") == "FIELD_WRONG"
    assert yimen(*declare, "--starts-on", "2026-03-02", "--township", "99010x005") == "AREA_UNKNOWN"
    event = _id(yimen(*declare, "--starts-on", "2026-03-02", "--township", "990101005"))
    assert "免核对 0 件" in yimen("emergency", "end", event)
    assert yimen("emergency", "end", event) == "CASE_STATE" and yimen("emergency", "end", "none") == "EMERGENCY_NOT_FOUND"
    assert yimen("emergency", "check", "none", "--finding", "ok") == "CHECK_NOT_DUE"


def test_disputes_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c07_above_edge")
    yimen, case = counter(home), home.case()["case_id"]
    assert "由乡镇在" in yimen("recheck", "request", "basic_living", case, "--reason", "工资已停发")
    upheld = ["recheck", "decide", "basic_living", case, "--outcome", "upheld", "--reason", "收入属实"]
    assert yimen(*upheld) == "SEPARATION_OF_DUTIES"  # who decided does not hear it himself
    assert "维持原决定" in yimen(*upheld, "--officer", f"township_head-{home.case()['township_code']}-2")
    assert yimen(*upheld, "--officer", "nobody") == "OFFICER_UNKNOWN"
    assert "由县级在" in yimen("recheck", "request", "basic_living", case, "--reason", "仍不服")
    assert "新决定" in yimen("recheck", "decide", "basic_living", case, "--outcome", "reversed", "--level", "county",
                           "--fact", "counted_income_fen=160000", "--reason", "查明停发")
    assert yimen("recheck", "decide", "basic_living", case, "--outcome", "upheld", "--reason", "x") == "CASE_STATE"
    assert "期限为" in yimen("reconsider", "receive", "basic_living", case, "--document", "复〔2026〕1号")
    assert yimen("reconsider", "record", "basic_living", case, "--document", "复〔2026〕1号", "--outcome", "reversed", "--fact", "x") == "FIELD_WRONG"
    assert "维持" in yimen("reconsider", "record", "basic_living", case, "--document", "复〔2026〕1号", "--outcome", "upheld")


def test_fraud_and_offers_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 13))
    yimen, case = counter(home), home.case()["case_id"]
    number = home.story.application.members[0].resident_id
    offer = _id(yimen("offer", "make", "--reference", "推荐1", typed=f"{number}\n"))
    assert yimen("offer", "make", "--reference", "推荐2", typed="110101200001011234\n") in ("ID_CHECKSUM_WRONG", "OFFER_NOT_DUE")
    assert yimen("offer", "conclude", offer, "--outcome", "refused") == "REASON_REQUIRED"
    assert "连续拒绝 1 次" in yimen("offer", "conclude", offer, "--outcome", "refused", "--reason", "嫌远")
    assert "无正当理由拒绝" in yimen("offer", "list", typed=f"{number}\n")
    opened = _id(yimen("recovery", "open", "basic_living", case, "--reason", "举报", "--suspicion", "tip"))
    assert "前结论" in yimen("recovery", "list", "basic_living", case)
    told = ["recovery", "conclude", "basic_living", opened, "--finding", "fraud", "--since", "2026-04-01", "--reason", "隐瞒收入"]
    assert yimen(*told, "--fact", "counted_income_fen=310000", "--fine", "1.234") == "FIELD_WRONG"
    assert "应退 740.00元,罚款 740.00元" in yimen(*told, "--fact", "counted_income_fen=310000", "--fine", "740.00")
    assert "骗取救助" in yimen("recovery", "list", "basic_living", case)
    assert "有效" in yimen("credit", "list", case)
    paper = ["--reason", "已退清", "--document", "信〔2026〕1号"]
    assert yimen("credit", "repair", opened, *paper) == "CREDIT_NOT_REPAIRABLE"
    assert "前催办答复" in yimen("justice", "transfer", opened, "--document", "移〔2026〕1号", "--reason", "涉嫌诈骗")
    assert "公安机关" in yimen("justice", "list")
    assert "已登记" in yimen("justice", "answer", opened, "--document", "不立〔2026〕1号", "--answer", "not_accepted")
    assert yimen("justice", "list") == "" and "不予受理" in yimen("justice", "list", "--all")
    assert "已撤销" in yimen("credit", "revoke", opened, *paper) and "已撤销" in yimen("credit", "list", case)


def test_care_and_community_work_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c11_destitute_elder")
    yimen, row = counter(home), home.case("destitute_support")
    case, where = row["case_id"], ["--township", row["township_code"]]
    house = _id(yimen("care", "facility", "示例县福利院", *where, "--beds", "4", "--nursing", "3"))
    agreement = _id(yimen("care", "agree", case, "--document", "照1", "--starts-on", "2026-04-03", "--carer", "C-7", "--wishes-institution"))
    assert yimen("care", "visit", agreement, *where, "--finding", "neglected") == "REASON_REQUIRED"
    assert "下次访视在 2026-05-02 前" in yimen("care", "visit", agreement, *where)
    stay = ["care", "hospital", case, "--document", "托1", "--starts-on", "2026-04-03", "--ends-on", "2026-04-12", "--carer", "C-8"]
    assert yimen(*stay, "--fee", "1e3") == "FIELD_WRONG" and "费用共 1,500.00元" in yimen(*stay, "--fee", "150.00")
    assert "愿意集中供养 1 人,已集中 0 人" in yimen("care", "facilities")
    yimen("care", "agree", case, "--document", "照2", "--starts-on", "2026-04-03", "--facility", house, "--wishes-institution")
    assert "已集中 1 人" in yimen("care", "facilities") and "集中供养" in yimen("care", "list", case) and "住院照料" in yimen("care", "list", case)
    assert yimen("community", "draw", "2026-13") == "FIELD_WRONG" and "编制中" in yimen("community", "draw", "2026-04")
    assert yimen("community", "list", "2026-04", *where) == ""  # he cannot work
    assert yimen("community", "record", "2026-04", "nobody", *where) == "NOT_ON_ROSTER"


def test_a_conference_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 12))
    yimen, receipt = counter(home), home.receipt
    hold = ["conference", "hold", receipt, "--minutes", "会〔2026〕3号", "--plan", "先安排住所,再推荐岗位"]
    housing, work = ["--task", "housing:2026-03-20:安排临时住所"], ["--task", "employment:2026-03-13:推荐岗位"]
    assert yimen(*hold, "--task", "housing") == "FIELD_WRONG" == yimen(*hold, "--task", "housing:2026-02-30:找房")
    assert yimen(*hold, "--task", "weather:2026-03-20:求雨") == "FIELD_WRONG" == yimen(*hold, *housing, "--participant", "weather")
    assert yimen(*hold, "--task", "housing:2026-03-01:过期") == "FIELD_WRONG"
    assert yimen("conference", "hold", "SL-0", *hold[3:], *housing) == "APPLICATION_NOT_FOUND"
    held = _id(yimen(*hold, *housing, *work))
    assert _id(yimen(*hold, *housing, *work)) == held  # written down twice
    tasks = {row["text"]: row["task_id"] for row in home.rows("intake", "select text, task_id from conference_task")}
    assert len(tasks) == 2 and "进行中" in yimen("conference", "list", receipt)
    assert home.rows("medical", "select 1 as one from conference_task") == []  # it concerns two departments
    assert yimen("conference", "done", "medical", tasks["安排临时住所"], "--result", "已办") == "CONFERENCE_TASK_NOT_FOUND"
    assert "已登记" in yimen("conference", "done", "housing", tasks["安排临时住所"], "--result", "已入住")
    assert yimen("conference", "done", "housing", tasks["安排临时住所"], "--result", "改口") == "CASE_STATE"
    home.until(date(2026, 3, 17))
    late = home.rows("supervision", "select subject, service from overdue where task_kind = 'conference_task'")
    assert [(row["subject"], row["service"]) for row in late] == [(tasks["推荐岗位"], "employment")]
    yimen("conference", "done", "employment", tasks["推荐岗位"], "--result", "已推荐")
    assert "已完成" in yimen("conference", "list", receipt)
    said = [row["what"] for row in home.rows("intake", "select what from timeline") if "会商" in row["what"]]
    assert said == ["召开个案会商,2 项任务分给各部门", "会商任务完成", "会商任务完成"]


def test_how_far_aid_reaches(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c01_dibao_and_university", date(2026, 4, 8))
    yimen = counter(home)

    def lines(*words: str) -> dict[str, int]:
        said = yimen("coverage", *words).splitlines()
        return {one.split()[0]: int(one.split()[1]) for one in said if "%" in one or "–" in one} | {"无": int(said[-1].split("救助 ")[-1].split()[0])}

    everything = {"基本生活": 1, "基本医疗": 0, "教育": 1, "住房": 1, "就业创业": 0, "社会保险": 1, "无": 0}
    assert lines() == everything == lines("--township", home.case()["township_code"])
    assert lines("--township", "990101009") == dict.fromkeys(everything, 0)
    assert yimen("coverage", "--township", "abc") == "AREA_UNKNOWN"
    assert yimen("coverage", "--officer", f"window_clerk-{home.case()['township_code']}-1") == "ROLE_MISSING"
    with home.world.apps["roster"].store.transaction() as tx:  # nobody gives anything any more
        tx.connection.exec_driver_sql("update benefit_record set valid_to = '2026-04-01'")
    assert lines() == {**dict.fromkeys(everything, 0), "无": 1}


def test_the_whole_file_of_an_application_is_one_archive(town: Callable[..., Town], counter: Callable[[Town], Command], tmp_path: Path) -> None:
    home = town("c18_wage_goes_up")

    def earns_more(form: Any) -> None:
        form.members[0].incomes[0].monthly_fen = 2_600_00

    home.report("more", date(2026, 4, 1), ["income"], earns_more,
                [("tax", home.story.application.members[0].resident_id, {"wage_income_year": "31200.00"})])
    home.until(date(2026, 4, 28))
    yimen, file = counter(home), tmp_path / "one.zip"
    assert yimen("archive", "SL-0", str(file)) == "APPLICATION_NOT_FOUND" and not file.exists()
    assert "保管期限 长期(30年)" in yimen("archive", home.receipt, str(file))
    assert yimen("archive", home.receipt, str(file)) == "FILE_WRONG"  # nothing is overwritten
    with zipfile.ZipFile(file) as opened:
        papers = {name: opened.read(name) for name in opened.namelist()}
    index = json.loads(papers.pop("目录.json"))
    assert index["文件"] == {name: hashlib.sha256(content).hexdigest() for name, content in papers.items()}
    told = [content.decode() for name, content in papers.items() if "/决定-" in name and name.startswith("案件/dibao")]
    assert len(told) == 2 and any("740.00" in one for one in told) and any("260.00" in one for one in told)  # as granted, as reviewed
    assert any(name.endswith("复核.json") for name in papers) and "申请.json" in papers
    again = tmp_path / "two.zip"
    yimen("archive", home.receipt, str(again))
    assert again.read_bytes() == file.read_bytes()


def test_a_tip_is_checked_by_others_and_who_gave_a_name_is_answered(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c18_wage_goes_up")
    yimen, case = counter(home), home.case()
    receive = ["tip", "receive", "--key", "k1", "--via", "phone", "--case", case["case_id"]]
    said = "他家有两辆车\n陆举报\n13900001234\n"
    assert yimen(*receive[:4], "--via", "dream", "--about", "medical", typed=said) == "FIELD_WRONG"
    assert yimen("tip", "receive", "--key", "k0", "--via", "web", "--case", "none", typed=said) == "CASE_NOT_FOUND"
    assert yimen("tip", "receive", "--key", "k0", "--via", "web", typed=said) == "FIELD_WRONG"  # about whom?
    tip = _id(yimen(*receive, typed=said))
    assert _id(yimen(*receive, typed=said)) == tip and "2026-04-17" in yimen("tip", "list")
    assert [row["pool"] for row in home.rows("supervision", "select pool from field_check where case_id = :c and pool = 'complained'", c=case["case_id"])]
    conclude = ["tip", "conclude", tip, "--outcome", "partly", "--finding", "一辆已报废"]
    assert yimen(*conclude, "--second", "supervisor-2") == "CASE_STATE"  # nobody was told to look into it
    assert yimen("tip", "assign", tip, "--unit", case["township_code"]) == "TIP_OWN_UNIT" and yimen("tip", "assign", "none", "--unit", "x") == "TIP_NOT_FOUND"
    assert yimen("tip", "assign", tip, "--unit", "99-x") == "AREA_UNKNOWN"
    assert "已转办" in yimen("tip", "assign", tip, "--unit", "county")
    assert yimen(*conclude, "--second", "supervisor-1") == "VISIT_NEEDS_TWO" and yimen("tip", "answer", tip, "--text", "早了") == "CASE_STATE"
    home.until(date(2026, 4, 21))
    late = "select task_kind from overdue where task_kind in ('conclude_tip', 'answer_tip')"
    assert [row["task_kind"] for row in home.rows("supervision", late)] == ["conclude_tip"]
    assert "请答复" in yimen(*conclude, "--second", "supervisor-2") and yimen("tip", "list") == ""
    assert "已答复" in yimen("tip", "answer", tip, "--text", "一辆已报废,另一辆已计入") and yimen("tip", "answer", tip, "--text", "x") == "CASE_STATE"
    assert yimen("tip", "informant", tip, "--reason", "") == "REASON_REQUIRED"
    assert "陆举报  13900001234" in yimen("tip", "informant", tip, "--reason", "补充询问")
    read = home.rows("supervision", "select actor from audit where act = 'tip.informant_read'")
    assert [row["actor"] for row in read] == ["supervisor-1"]
    anonymous = _id(yimen("tip", "receive", "--key", "k2", "--via", "letter", "--about", "medical", typed="拖延办理\n\n\n"))
    yimen("tip", "assign", anonymous, "--unit", "county")
    assert "请答复" not in yimen("tip", "conclude", anonymous, "--second", "supervisor-2", "--outcome", "not_upheld", "--finding", "按期办理")
    for name, table in (("supervision", "outbox"), ("supervision", "audit"), ("feed", "entry")):  # who it was stands nowhere in the open
        assert "陆举报" not in str([dict(row) for row in home.rows(name, f"select * from {table}")])


def test_objections_relatives_visits_and_levels_from_the_counter(town: Callable[..., Town], counter: Callable[[Town], Command]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 9))
    yimen, case = counter(home), home.case()
    where = ["--township", case["township_code"]]
    notice = home.rows("disclosure", "select notice_id from notice where case_id = :c", c=case["case_id"])[0]["notice_id"]
    shown = yimen("objection", "notices", case["township_code"])
    assert notice in shown and "最低生活保障" in shown and home.story.application.members[0].name not in shown  # as on the board
    assert yimen("objection", "notices", "99x") == "AREA_UNKNOWN"
    assert yimen("objection", "file", "none", "--reason", "INCOME_HIDDEN", *where, typed="\n") == "NOTICE_NOT_FOUND"
    objection = _id(yimen("objection", "file", notice, "--reason", "INCOME_HIDDEN", *where, typed="\n"))
    assert home.case()["state"] == "objection_review"
    assert yimen("objection", "resolve", "none", *where, "--finding", "UNFOUNDED") == "OBJECTION_NOT_FOUND"
    assert "不成立" in yimen("objection", "resolve", objection, *where, "--finding", "UNFOUNDED")
    declare = ["relative", "declare", "--relation", "sibling", "--officer"]
    assert yimen(*declare, "nobody", typed="110101200001011234\n") == "OFFICER_UNKNOWN"
    surveyor, number = f"surveyor-{case['township_code']}-1", home.story.application.members[0].resident_id
    assert "今夜起比对" in yimen(*declare, surveyor, typed=f"{number}\n")
    visit = ["visit", "record", "basic_living", case["case_id"], "--finding", "consistent", "--second"]
    assert yimen(*visit, "county_officer-basic_living") == "VISIT_NEEDS_TWO"
    home.until(date(2026, 5, 4))
    assert home.rows("supervision", "select 1 as one from relative_match")
    assert yimen("level", "publish", "2026-05") == "MONTH_NOT_OVER" and "没有发放" in yimen("level", "publish", "2026-02")
    assert "1 户 3 人,人均 246.66元/月" in yimen("level", "publish", "2026-04")
