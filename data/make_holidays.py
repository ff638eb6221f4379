#!/usr/bin/env python3
"""Writes data/holidays/*.txt from the Python package `holidays` (MIT).

    pip install holidays==0.108 && python3 data/make_holidays.py 2026-11-21

The argument is the day that the files name as their date. One file per country; each line after the header is
`date<TAB>where<TAB>name`, and `where` is `all` (the country's own list and every subdivision in the file) or
comma-separated codes, the country's own code standing for its national list. Days on which a holiday is observed
instead stand beside it.
"""

import collections
import pathlib
import sys

import holidays

YEARS = range(2025, 2033)
# Countries whose subdivisions differ in ways that callers heed; the others have their national list only.
WITH_SUBDIVISIONS = ["AU", "CA", "DE", "ES", "FR", "GB", "US"]
NATIONAL_ONLY = ["AT", "BE", "BR", "CH", "DK", "FI", "IE", "IT", "JP", "MX", "NL", "NO", "NZ", "PL", "PT", "SE"]


def listed(country, subdivision=None):
    language = "en_US" if "en_US" in type(holidays.country_holidays(country)).supported_languages else None
    days = holidays.country_holidays(country, subdiv=subdivision, years=YEARS, language=language)
    return {day: name for day, name in days.items() if day.year in YEARS}


def write(country, subdivisions, made_on, directory):
    lists = {country: listed(country)} | {code: listed(country, code) for code in subdivisions}
    assert len(lists) == len(subdivisions) + 1, "a subdivision is named like its country"
    rows = collections.defaultdict(list)
    for code, days in lists.items():
        for day, name in days.items():
            rows[day, name].append(code)
    path = directory / f"{country}.txt"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        print(f"# Public holidays of {country}, made by data/make_holidays.py", file=file)
        print(f"# source: the Python package holidays {holidays.__version__}, MIT, see LICENSE-holidays", file=file)
        print(f"# date: {made_on}", file=file)
        print(f"# years: {YEARS[0]} {YEARS[-1]}", file=file)
        print(f"# lists: {','.join(lists)}", file=file)
        for (day, name), codes in sorted(rows.items()):
            where = "all" if len(codes) == len(lists) else ",".join(codes)
            print(f"{day}\t{where}\t{name}", file=file)


def main():
    directory = pathlib.Path(__file__).parent / "holidays"
    for country in WITH_SUBDIVISIONS:
        known = type(holidays.country_holidays(country)).subdivisions
        write(country, sorted(code for code in known if code.isupper() or code.isdigit()), sys.argv[1], directory)
    for country in NATIONAL_ONLY:
        write(country, [], sys.argv[1], directory)


main()
