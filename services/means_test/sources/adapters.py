"""The suppliers (R035). Each knows only the shape of its own records."""

from __future__ import annotations

from typing import Any

from yimen.kernel.money import parse_yuan

from services.means_test.sources.port import DataSource, Finding

MONTHS = 12


class PoliceRegister(DataSource):
    """户籍: household register of the police."""

    name, title = "police_register", "公安户籍"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("hukou", count=1, detail=str(record["hukou_village"]))]


class TaxBureau(DataSource):
    """税务: taxed wages of the year, in yuan."""

    name, title = "tax", "税务工资薪金"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("wage", amount_fen=parse_yuan(record["wage_income_year"]) // MONTHS)]


class SocialInsurance(DataSource):
    """社保: contribution base and pensions, per month in yuan."""

    name, title = "social_insurance", "社会保险"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        found = []
        if record.get("contribution_base"):
            found.append(Finding("wage", amount_fen=parse_yuan(record["contribution_base"])))
        if record.get("pension"):
            found.append(Finding("pension", amount_fen=parse_yuan(record["pension"]), detail=str(record["pension_kind"])))
        return found


class RealEstate(DataSource):
    """不动产: registered houses with their area."""

    name, title = "real_estate", "不动产登记"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("house", count=len(record["houses"]))]


class VehicleRegister(DataSource):
    """车辆: registered vehicles; mobility vehicles of disabled persons are marked."""

    name, title = "vehicle", "公安车辆"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("vehicle", count=sum(1 for v in record["vehicles"] if not v.get("mobility_aid")))]


class BankDeposits(DataSource):
    """银行: balance over all accounts, in fen."""

    name, title = "bank_deposits", "银行存款"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("deposit", amount_fen=int(record["balance_fen"]))]


class MarketEntities(DataSource):
    """市场主体: businesses in force."""

    name, title = "market_entity", "市场主体登记"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("business", count=sum(1 for e in record["entities"] if e["status"] == "in_force"))]


class HousingFund(DataSource):
    """公积金: balance of the housing provident fund, in yuan."""

    name, title = "housing_fund", "住房公积金"

    def read(self, record: dict[str, Any]) -> list[Finding]:
        return [Finding("deposit", amount_fen=parse_yuan(record["balance"]))]


ADAPTERS: dict[str, DataSource] = {
    source.name: source
    for source in (PoliceRegister(), TaxBureau(), SocialInsurance(), RealEstate(), VehicleRegister(), BankDeposits(),
                   MarketEntities(), HousingFund())
}
