"""The usual Python way from a contact list to stored contacts: pandas, phonenumbers and COPY.

    python contacts.py normalise FILE [ENGINE]     read the list and normalise its numbers
    python contacts.py store FILE DSN              the same, and store the contacts

Prints the rows, the contacts and the seconds as JSON. The time runs from opening the file on; starting Python and
loading the libraries is left out.
"""

import json
import sys
import time
import uuid

import pandas
import phonenumbers
import psycopg

COLUMNS = (
    "id, team_id, campaign_id, position, phone, name, metadata, file_row, raw_phone, region, area, state, due_at,"
    " updated_at"
)


def read(path, engine=None):
    """The list as texts, empty cells as empty texts."""
    if engine:
        return pandas.read_excel(path, dtype=str, engine=engine).fillna("")
    return pandas.read_csv(path, dtype=str, keep_default_na=False)


def normalise(raw):
    """The number in E.164 and its region, or nothing if it is none."""
    try:
        number = phonenumbers.parse(raw, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.region_code_for_number(number)


def contacts(table):
    """One contact for each number: position, file row, number, region, record."""
    seen = set()
    for row, record in enumerate(table.to_dict("records"), start=2):
        found = normalise(record["phone"])
        if found is None or found[0] in seen:
            continue
        seen.add(found[0])
        yield len(seen), row, found[0], found[1], record


def store(table, dsn):
    """Stores the contacts under a campaign of their own, in one transaction."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, team_id, now() FROM campaigns ORDER BY id DESC LIMIT 1")
        campaign, team, now = cursor.fetchone()
        count = 0
        # The table's trigger would keep a second copy of all rows until the statement's end.
        cursor.execute("SET LOCAL session_replication_role = replica")
        with cursor.copy(f"COPY contacts ({COLUMNS}) FROM STDIN") as copy:
            for position, row, phone, region, record in contacts(table):
                raw, name = record.pop("phone"), record.pop("name")
                metadata = json.dumps(record)
                copy.write_row(
                    (uuid.uuid4(), team, campaign, position, phone, name, metadata, row, raw, region, 0, "pending", now)
                    + (now,)
                )
                count += 1
    return count


def main():
    """Does what the command line says."""
    task, path, *rest = sys.argv[1:]
    began = time.perf_counter()
    if task == "normalise":
        table = read(path, *rest)
        count = sum(1 for _ in contacts(table))
    else:
        table = read(path)
        count = store(table, *rest)
    seconds = time.perf_counter() - began
    print(json.dumps({"rows": len(table), "contacts": count, "seconds": seconds}))


main()
