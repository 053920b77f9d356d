"""What a policy pack file says, before it is checked: its parameters, items and ordered rules."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RULE_ID_PATTERN = r"^[A-Z]{2,6}-[A-Z]+-\d{2}$"
PARAMETERS_MAX = 200
RULES_MAX = 60
INSTALMENTS_MAX = 12
EXAMPLE_FILES_MAX = 20
EXAMPLES_MAX = 200


class Strict(BaseModel):
    """An unknown key is an error: a misspelt word must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(Strict):
    """A number or word that the authority may set, with its source."""

    value: bool | int | float | str
    unit: str
    source: str
    # What it is called in a reason that an applicant reads; the name stands for it where there is none.
    title: str = ""
    # For a threshold: whether the number itself is inside (民法典 §1259).
    inclusive: bool | None = None


class Rule(Strict):
    """One line of an item's ordered table: the first whose `when` holds decides."""

    id: str = Field(pattern=RULE_ID_PATTERN)
    when: str
    outcome: Literal["grant", "refuse"]
    # Expression in fen, for one instalment; none where the output is not money.
    amount: str | None = None
    category: str | None = None
    # One reason, in words for the applicant; {name} is replaced by the fact or parameter.
    reason: str
    # The clause that it rests on.
    basis: str
    instalments: int = Field(default=1, ge=1, le=INSTALMENTS_MAX)
    every_months: int = Field(default=1, ge=1, le=12)


class ItemPolicy(Strict):
    """The rules of one aid item, in order."""

    title: str
    rules: list[Rule] = Field(min_length=1, max_length=RULES_MAX)


class Expectation(Strict):
    """What a case must come to. `amount` in yuan, as people write it."""

    outcome: Literal["grant", "refuse"]
    rule: str
    amount: str | int | float | None = None
    category: str | None = None


class CaseExample(Strict):
    """An example that an officer can read; each is a test of the pack."""

    name: str
    facts: dict[str, bool | int | float | str] = {}
    # Parameters of another county, to show what would change.
    parameters: dict[str, bool | int | float | str] = {}
    expect: Expectation


class CaseFile(Strict):
    """Examples of one item; `given` holds for every case unless it says otherwise."""

    item: str
    given: dict[str, bool | int | float | str] = {}
    cases: list[CaseExample] = Field(max_length=EXAMPLES_MAX)


class PackFile(Strict):
    """One version of one department's policy."""

    pack: str
    version: str
    authority: str
    document: str
    effective: date
    supersedes: str | None = None
    parameters: dict[str, Parameter] = Field(max_length=PARAMETERS_MAX)
    items: dict[str, ItemPolicy] = {}
    # Examples that travel with the pack; of an item that has some here, the department's own files are not asked.
    examples: list[CaseFile] = Field(default=[], max_length=EXAMPLE_FILES_MAX)
