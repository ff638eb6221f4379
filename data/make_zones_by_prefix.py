#!/usr/bin/env python3
"""Writes data/zones_by_prefix.txt and data/zone_aliases.txt, from libphonenumber's table of time zones as the Python
package `phonenumbers` carries it (Apache-2.0), and the zones' names and countries as `tzdata` does (public domain).

    pip install phonenumbers==9.0.43 tzdata==2026.6 && python3 data/make_zones_by_prefix.py 2026-11-21
"""

import collections
import importlib.resources
import pathlib
import sys

import phonenumbers
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.tzdata import TIMEZONE_DATA

# Where the table names a foreign zone that stands in for the country's own, most of them an hour off in summer, knows
# only the country's largest zone, or is wrong.
CORRECTIONS = {
    # Saskatchewan, whose clocks have long not been Manitoba's, and Orlando, which is not in Central Time.
    "1474": "America/Regina",
    "1689": "America/New_York",
    # Yukon, the Northwest Territories and Nunavut have one area code.
    "1867": "America/Cambridge_Bay America/Dawson America/Edmonton America/Inuvik America/Iqaluit America/Rankin_Inlet"
            " America/Resolute America/Whitehorse",
    "1879": "America/Halifax America/St_Johns",
    "211": "Africa/Juba",
    "212": "Africa/Casablanca Africa/El_Aaiun",
    "213": "Africa/Algiers",
    "218": "Africa/Tripoli",
    "231": "Africa/Monrovia",
    "245": "Africa/Bissau",
    "291": "Africa/Asmara",
    "353": "Europe/Dublin",
    "353539253": "Europe/Dublin",
    "370": "Europe/Vilnius",
    "371": "Europe/Riga",
    "372": "Europe/Tallinn",
    "375": "Europe/Minsk",
    "505": "America/Managua",
    # Valparaíso's code is Easter Island's as well; then Magallanes and Aysén.
    "5632": "America/Santiago Pacific/Easter",
    "5661": "America/Punta_Arenas",
    "5667": "America/Coyhaique",
    "675": "Pacific/Port_Moresby Pacific/Bougainville",
    "740": "Europe/Kaliningrad",
    "7840": "Europe/Moscow",
    "850": "Asia/Pyongyang",
    "853": "Asia/Macau",
    "970": "Asia/Gaza Asia/Hebron",
}

# Countries with several zones whose mobile numbers do not tell the place: all their zones.
WHOLE_COUNTRIES = {
    "243": "CD", "34": "ES", "351": "PT", "56": "CL", "593": "EC", "61": "AU CC CX", "62": "ID", "64": "NZ", "689": "PF",
    "7": "RU", "76": "KZ", "77": "KZ", "976": "MN",
}

# Old names of zones whose data has since been joined with another country's.
RENAMED = {
    "Africa/Asmera": "Africa/Asmara", "Africa/Timbuktu": "Africa/Bamako", "America/Coral_Harbour": "America/Atikokan",
    "America/Virgin": "America/St_Thomas", "Atlantic/Jan_Mayen": "Arctic/Longyearbyen", "Iceland": "Atlantic/Reykjavik",
    "Antarctica/South_Pole": "Antarctica/McMurdo", "Pacific/Ponape": "Pacific/Pohnpei", "Pacific/Truk": "Pacific/Chuuk",
    "Pacific/Yap": "Pacific/Chuuk",
}

# Regions that zone.tab does not list apart, and the country whose zones they have.
SAME_ZONES = {"AC": "SH", "XK": "RS"}


def read(name):
    return importlib.resources.files("tzdata").joinpath("zoneinfo", name).read_text().splitlines()


def countries():
    rows = [line.split("\t") for line in read("zone.tab") if not line.startswith("#")]
    return {row[2]: row[0] for row in rows}


def aliases(known):
    links = dict(reversed(line.split()[1:]) for line in read("tzdata.zi") if line.startswith("L "))
    links = {old: new for old, new in links.items() if old not in known and new in known} | RENAMED
    # Abbreviations are names of zones as well, of others than the people mean who write them.
    return {old: new for old, new in links.items() if not (old.isupper() and len(old) == 3)}


def regions_of(prefix):
    codes = (prefix[:length] for length in (1, 2, 3))
    return next(COUNTRY_CODE_TO_REGION_CODE[int(code)] for code in codes if int(code) in COUNTRY_CODE_TO_REGION_CODE)


def corrected(names, country_of):
    by_prefix = collections.defaultdict(set)
    for prefix, zones in TIMEZONE_DATA.items():
        if prefix == "1":
            continue
        # In North America an area code's exchanges are not where they were: numbers are ported.
        key = prefix[:4] if prefix.startswith("1") else prefix
        by_prefix[key] |= {names.get(zone, zone) for zone in zones}
    for prefix, zones in by_prefix.items():
        if prefix.startswith("52") and "America/New_York" in zones:
            by_prefix[prefix] = zones - {"America/New_York"} | {"America/Cancun"}
    by_prefix.update((prefix, set(zones.split())) for prefix, zones in CORRECTIONS.items())
    # The row of Russia's whole code holds stand-ins, too, and no number needs it: what it covers is asked below.
    del by_prefix["7"]
    for prefix, zones in by_prefix.items():
        home = {SAME_ZONES.get(region, region) for region in regions_of(prefix)}
        for zone in zones:
            assert country_of[zone] in home, f"{prefix}: {zone} is foreign, add a correction"
    return by_prefix


def pruned(by_prefix):
    """Without the prefixes that say the same as the next shorter one."""
    def shorter(prefix):
        candidates = (prefix[:length] for length in range(len(prefix) - 1, 0, -1))
        return next((candidate for candidate in candidates if candidate in by_prefix), None)
    return {prefix: zones for prefix, zones in by_prefix.items() if by_prefix.get(shorter(prefix)) != zones}


def main():
    date = sys.argv[1]
    here = pathlib.Path(__file__).parent
    country_of = countries()
    old_names = aliases(country_of)
    tz_version = read("tzdata.zi")[0].split()[-1]
    groups = collections.defaultdict(list)
    for prefix, zones in pruned(corrected(old_names, country_of)).items():
        groups[",".join(sorted(zones))].append(prefix)
    lines = [
        "# Time zones by prefix of the international number, made by data/make_zones_by_prefix.py, which lists the",
        "# corrections. zones<TAB>prefixes; the longest prefix wins. In country code 1 a line's prefixes are area codes,",
        "# and its zones those of the code and all its exchanges. Lines that begin with * hold the zones of a whole",
        "# country, for numbers that do not tell the place in it.",
        f"# source: the Python package phonenumbers {phonenumbers.__version__}, which carries libphonenumber's data;",
        f"#   names, countries and the lines with * are from the time zone database {tz_version}, in the public domain",
        f"# date: {date}",
        "# Copyright (C) 2011-2026 The Libphonenumber Authors. Licensed under the Apache License, Version 2.0 (the",
        "# \"License\"); you may not use this file except in compliance with the License. You may obtain a copy of the",
        "# License at http://www.apache.org/licenses/LICENSE-2.0. Distributed on an \"AS IS\" BASIS, WITHOUT WARRANTIES OR",
        "# CONDITIONS OF ANY KIND, either express or implied. This file was changed as described above.",
    ]
    lines += [f"{zones}\t{' '.join(sorted(prefixes))}" for zones, prefixes in sorted(groups.items())]
    for code, country in sorted(WHOLE_COUNTRIES.items()):
        zones = sorted(zone for zone, home in country_of.items() if home in country.split())
        lines.append(f"*{','.join(zones)}\t{code}")
    (here / "zones_by_prefix.txt").write_text("\n".join(lines) + "\n")
    lines = [
        "# Old names of time zones and today's, made by data/make_zones_by_prefix.py. old name<TAB>name",
        f"# source: the links of the time zone database {tz_version}, in the public domain",
        f"# date: {date}",
    ]
    lines += [f"{old}\t{new}" for old, new in sorted(old_names.items(), key=lambda names: names[0].lower())]
    (here / "zone_aliases.txt").write_text("\n".join(lines) + "\n")


main()
