#!/usr/bin/env python3
"""Writes data/nanp_area_codes.txt from the geographic descriptions of the Python package `phonenumbers`, which are
libphonenumber's (Apache-2.0).

    pip install phonenumbers==9.0.43 && python3 data/make_area_codes.py 2026-11-21

Each line after the header is `area code<TAB>places`: the states, territories and provinces (ISO 3166-2) whose numbers
begin so, taken from the description of the area code, or, where it has none, of its exchanges.
"""

import collections
import pathlib
import re
import sys

import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA

STATES = """Alabama AL,Alaska AK,Arizona AZ,Arkansas AR,California CA,Colorado CO,Connecticut CT,Delaware DE,
Washington D.C. DC,Florida FL,Georgia GA,Hawaii HI,Idaho ID,Illinois IL,Indiana IN,Iowa IA,Kansas KS,Kentucky KY,
Louisiana LA,Maine ME,Maryland MD,Massachusetts MA,Michigan MI,Minnesota MN,Mississippi MS,Missouri MO,Montana MT,
Nebraska NE,Nevada NV,New Hampshire NH,New Jersey NJ,New Mexico NM,New York NY,North Carolina NC,North Dakota ND,
Ohio OH,Oklahoma OK,Oregon OR,Pennsylvania PA,Rhode Island RI,South Carolina SC,South Dakota SD,Tennessee TN,
Texas TX,Utah UT,Vermont VT,Virginia VA,Washington State WA,West Virginia WV,Wisconsin WI,Wyoming WY"""
PROVINCES = """Alberta AB,British Columbia BC,British Colombia BC,Manitoba MB,New Brunswick NB,
Newfoundland and Labrador NL,Nova Scotia NS,Northwest Territories NT,Nunavut NU,Ontario ON,Prince Edward Island PE,
Quebec QC,Saskatchewan SK,Yukon YT"""


def table(text, country):
    rows = (row.strip().rsplit(" ", 1) for row in text.replace("\n", "").split(","))
    return {name: f"{country}-{code}" for name, code in rows}


NAMES = table(STATES, "US") | table(PROVINCES, "CA")
BY_CODE = {code.split("-")[1]: code for code in NAMES.values()}


def places(description):
    found = set()
    for part in description.split("/"):
        city = re.fullmatch(r".*, ([A-Z]{2})", part)
        if part in NAMES:
            found.add(NAMES[part])
        elif city and city[1] in BY_CODE:
            found.add(BY_CODE[city[1]])
    return found


def main():
    areas, exchanges = {}, collections.defaultdict(set)
    for prefix, texts in GEOCODE_DATA.items():
        if prefix.startswith("1") and "en" in texts:
            if len(prefix) == 4:
                areas[prefix[1:]] = places(texts["en"])
            elif len(prefix) > 4:
                exchanges[prefix[1:4]] |= places(texts["en"])
    for area, found in exchanges.items():
        areas.setdefault(area, found)
    path = pathlib.Path(__file__).parent / "nanp_area_codes.txt"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        print("# States and provinces by area code of country code 1, made by data/make_area_codes.py", file=file)
        print(f"# source: the Python package phonenumbers {phonenumbers.__version__}, Apache-2.0", file=file)
        print(f"# date: {sys.argv[1]}", file=file)
        for area, found in sorted(areas.items()):
            if found:
                print(f"{area}\t{','.join(sorted(found))}", file=file)
            else:
                print(f"no state known: {area}", file=sys.stderr)


main()
