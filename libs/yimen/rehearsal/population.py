"""A seeded population around the poverty line. Household `i` of a seed is the same on every machine,
and none is kept: twenty thousand take no more memory than one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from google.protobuf.struct_pb2 import Struct
from yimen.intake.v1 import intake_pb2 as pb
from yimen.kernel import resident_id
from yimen.rehearsal.county import County
from yimen.rehearsal.exchange import Record
from yimen.rehearsal.households import Household

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "秀英桂兰玉芳建国志强海燕小红明德福贵春花大山水生长青永康家宝"
# What brings a household to the window, with its share (drawn around published caseloads, illustrative).
PERSONAS = (("dibao", 56), ("destitute", 11), ("temporary", 9), ("urgent", 9), ("single", 4), ("disaster", 7),
            ("vagrant", 2), ("stranded", 2))
SUBMIT_DAYS = 12
# Area prefixes 990200 to 999999 are the drawn people's; the hand-written ones have 990101.
FIRST_ID_AREA, ID_AREAS = 200, 9800
MEMBERS_DRAWN_MAX = 20
# Endings of accounts and how often they are drawn: what the stand-in bank does follows from them (`bank.book`).
ACCOUNTS = {"10": 90, "91": 2, "92": 3, "93": 1, "94": 2, "95": 1, "96": 1}


class Population:
    """Generates households one by one."""

    def __init__(self, county: County, seed: int, today: date, disaster_id: str, disaster_townships: list[str]) -> None:
        self._county, self._seed, self._today = county, seed, today
        self._disaster_id, self._disaster_townships = disaster_id, disaster_townships

    def households(self, count: int) -> Iterator[Household]:
        """`count` households, in the order of the day on which they come."""
        for index in range(count):
            yield self.household(index, index * SUBMIT_DAYS // max(count, 1))

    def household(self, index: int, day: int) -> Household:
        """Household `index`."""
        rng = random.Random(f"{self._seed}:{index}")
        persona = rng.choices([name for name, _ in PERSONAS], [share for _, share in PERSONAS])[0]
        draft = _Draft(self._county, rng, index, self._today)
        if persona == "disaster":
            draft.village = rng.choice(self._county.villages(rng.choice(self._disaster_townships)))
        getattr(draft, persona)()
        if persona == "disaster":
            draft.ask("disaster_emergency", disaster_id=self._disaster_id)
            if rng.random() < 0.4:
                draft.ask("house_rebuilding", disaster_id=self._disaster_id,
                          damage=rng.choice(["collapsed", "severe", "general", "none"]))
        return draft.finish(day)


class _Draft:
    """One household while it is being drawn."""

    def __init__(self, county: County, rng: random.Random, index: int, today: date) -> None:
        self.county, self.rng, self.index, self.today = county, rng, index, today
        self.village = rng.choice(county.villages(rng.choice(county.townships)[0]))
        self.members: list[Any] = []
        self.items: list[Any] = []
        self.records: list[Record] = []
        self.form = pb.Application(relative_declared=rng.random() < 0.02)

    @property
    def kind(self) -> str:
        return self.county.kind(self.village)

    @property
    def standard_fen(self) -> int:
        return 78000 if self.kind == "urban" else 58500

    # ---------------------------------------------------------------------------------------- building
    def member(self, age: int, relation: str, **fields: Any) -> Any:
        born = self.today.replace(year=self.today.year - age, day=1) - timedelta(days=self.rng.randint(0, 330))
        # No two people of a county share a number, born on the same day or not.
        turn, place = divmod(self.index, ID_AREAS)
        number = resident_id.make(f"99{FIRST_ID_AREA + place:04d}", born, turn * MEMBERS_DRAWN_MAX + len(self.members))
        name = self.rng.choice(SURNAMES) + "".join(self.rng.sample(GIVEN, self.rng.randint(1, 2)))
        capable = 16 <= age < 60 and fields.get("school_stage", "none") == "none" and not fields.get("disability_level")
        values = {"labour_capable": capable, "school_stage": "none", "disability_kind": "none", **fields}
        one = pb.Member(name=name, resident_id=number, relation=relation, authorised=True, committed=True, **values)
        self.members.append(one)
        self.records.append(("police_register", number, {"hukou_village": self.village}))
        return one

    def family(self) -> None:
        rng = self.rng
        self.member(rng.randint(26, 58), "applicant")
        if rng.random() < 0.7:
            self.member(rng.randint(26, 58), "spouse")
        for _ in range(rng.choices([0, 1, 2, 3], [20, 45, 28, 7])[0]):
            age = rng.randint(1, 21)
            self.member(age, "child", school_stage=_stage(age))
        if rng.random() < 0.3:
            self.member(rng.randint(62, 88), "parent")
        for one in self.members:
            if rng.random() < 0.08:
                one.disability_kind = rng.choice(["physical", "intellectual", "mental", "visual"])
                one.disability_level = rng.randint(1, 4)
                one.labour_capable = one.labour_capable and one.disability_level > 2
            one.serious_illness = rng.random() < 0.07

    def incomes(self, spread: float) -> None:
        """Wages and transfers that add up to a per-capita income spread around the standard."""
        rng = self.rng
        total = int(self.standard_fen * len(self.members) * min(rng.lognormvariate(-0.25, spread), 4.0))
        workers = [m for m in self.members if m.labour_capable] or self.members[:1]
        for one in workers:
            share = total // len(workers) // 100 * 100
            if share and one.labour_capable:
                one.employed = share > 60000
                declared = share if rng.random() > 0.06 else int(share * 0.5)
                one.incomes.append(pb.IncomeItem(kind="wage", monthly_fen=declared, payer="employer"))
                self.records.append(("tax", one.resident_id, {"wage_income_year": f"{share * 12 / 100:.2f}"}))
            elif share:
                one.incomes.append(pb.IncomeItem(kind="net_transfer", monthly_fen=share, payer="relatives"))
        for one in self.members:
            if one.relation == "parent":
                one.incomes.append(pb.IncomeItem(kind="basic_pension", monthly_fen=19000, payer="social_insurance"))

    def property(self) -> None:
        rng = self.rng
        liquid = int(min(rng.lognormvariate(12.6, 1.1), 40_000_00))
        self.form.property.CopyFrom(pb.Property(
            liquid_assets_fen=liquid, houses=int(rng.random() < 0.75) + int(rng.random() < 0.03),
            vehicles=int(rng.random() < 0.04), businesses=int(rng.random() < 0.02)))
        hidden = int(liquid * 3 + 50_000_00) if rng.random() < 0.02 else liquid
        self.records.append(("bank_deposits", self.members[0].resident_id, {"balance_fen": hidden}))
        self.records.append(("vehicle", self.members[0].resident_id,
                             {"vehicles": [{}] * self.form.property.vehicles}))
        rented = self.kind == "urban" and not self.form.property.houses
        self.form.living.CopyFrom(pb.Living(
            tenure="rented" if rented else "owned", house_area_m2=rng.randint(8, 20) * len(self.members),
            house_grade=rng.choices("ABCD", [50, 30, 14, 6])[0] if self.kind == "rural" else "A"))

    def ask(self, item: str, member_index: int = 0, **request: Any) -> None:
        facts = Struct()
        facts.update(request)
        self.items.append(pb.RequestedItem(item=item, member_index=member_index, request=facts))

    # ---------------------------------------------------------------------------------------- personas
    def dibao(self) -> None:
        self.family()
        self.incomes(0.6)
        self.property()
        self.ask("dibao")
        for place, one in enumerate(self.members):
            if one.school_stage == "senior" and self.rng.random() < 0.5:
                self.ask("university_entry", place, place=self.rng.choice(["in_province", "out_of_province"]))
                break
        if self.rng.random() < 0.12:
            self.form.rigid_expenditure_fen = self.rng.randint(5_000_00, 60_000_00)
            self.ask("medical_cost_aid", 0, in_policy_self_pay_fen=float(self.rng.randint(1_000_00, 40_000_00)))
        if self.rng.random() < 0.1 and self.members[0].labour_capable:
            self.ask("skills_training", 0)
        if self.kind == "rural" and self.form.living.house_grade in "CD":
            self.ask("house_renovation", 0, graded_as=self.form.living.house_grade)

    def destitute(self) -> None:
        one = self.member(self.rng.randint(57, 90), "applicant", self_care_fails=self.rng.choice([0, 0, 0, 1, 2, 3, 4, 6]))
        one.incomes.append(pb.IncomeItem(kind="basic_pension", monthly_fen=19000, payer="social_insurance"))
        self.property()
        self.form.property.vehicles = self.form.property.businesses = 0
        self.form.no_capable_obligor = self.rng.random() < 0.85
        self.ask("destitute_support")

    def temporary(self) -> None:
        self.family()
        self.incomes(0.5)
        self.property()
        self.form.rigid_expenditure_fen = self.rng.randint(10_000_00, 150_000_00)
        self.ask("temporary_aid", 0, months_of_need=float(self.rng.randint(1, 6)),
                 cause=self.rng.choice(["illness", "education", "accident", "debt"]))

    def urgent(self) -> None:
        self.family()
        self.property()
        need = self.rng.choice([1_500_00, 3_000_00, 4_680_00, 6_000_00, 12_000_00])
        self.ask("urgent_aid", 0, need_fen=float(need), cause=self.rng.choice(["accident", "sudden_illness", "fire"]))

    def single(self) -> None:
        self.family()
        self.members[0].disability_kind, self.members[0].disability_level = "physical", self.rng.choice([1, 2, 3])
        self.members[0].labour_capable = False
        self.incomes(0.25)
        self.property()
        self.ask("single_person_dibao")

    def disaster(self) -> None:
        self.family()

    def vagrant(self) -> None:
        """Identity unknown: neither number nor name."""
        self.members.append(pb.Member(relation="applicant"))
        self.ask("station_relief", 0, voluntary=True)

    def stranded(self) -> None:
        self.member(self.rng.randint(20, 70), "applicant")
        self.ask("station_relief", 0, voluntary=self.rng.random() < 0.9)
        self.ask("return_home", 0, voluntary=True)

    def finish(self, day: int) -> Household:
        rng, form = self.rng, self.form
        form.village_code, form.area_kind = self.village, self.kind
        form.members.extend(self.members)
        form.items.extend(self.items)
        ending = rng.choices(list(ACCOUNTS), list(ACCOUNTS.values()))[0]
        form.bank_account = f"621700{self.index:011d}{ending}"
        if rng.random() < 0.03 and form.members[-1].resident_id:
            form.members[-1].authorised = False  # comes without one signature; the window tells once
        return Household(f"h{self.index:06d}", "", form, self.records, day)


def _stage(age: int) -> str:
    for stage, oldest in (("none", 2), ("preschool", 5), ("primary", 11), ("junior", 14), ("senior", 17)):
        if age <= oldest:
            return stage
    return "college" if age <= 21 else "none"
