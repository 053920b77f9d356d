"""The categories that a household or a person can be given, in the order in which they are tested (requirements 3.4)."""

CATEGORY_TITLES = {
    "destitute": "特困人员",
    "dibao": "低保对象",
    "dibao_edge": "低保边缘家庭",
    "single_person_dibao": "单人户低保对象",
    "rigid_expense_household": "刚性支出困难家庭",
}
CATEGORIES = tuple(CATEGORY_TITLES)
