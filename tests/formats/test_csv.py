import codecs
import warnings
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError, SojournWarning, UnitsError
from sojourn.core.tables import (
    COUNTS,
    DOSES,
    EVENTS,
    FOLLOW_UP,
    ROW,
    SCANS,
    SUBJECTS,
    TRANSFUSIONS,
    WOMAC,
)
from sojourn.formats import csv as csv_format
from sojourn.formats.csv import check_subjects, parse_table, read_table, write_table

HEADER = "USUBJID,ADT,ANC [10^9/L],HGB [g/L],PLT [10^9/L]\n"


def read(tmp_path, text, table=COUNTS, *, sidecar=None, name="counts.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if sidecar is not None:
        path.with_suffix(".toml").write_text(sidecar)
    return read_table(path, table)


def refused(tmp_path, text, table=COUNTS, *, error=DataError, **settings):
    with pytest.raises(error) as caught:
        read(tmp_path, text, table, **settings)
    return str(caught.value)


def test_a_table_carries_declared_types_units_and_the_line_of_its_file(tmp_path):
    frame = read(tmp_path, HEADER + "01,2026-03-01,0.5,,20\n01,2026-03-02,,71,\n")
    assert dict(frame.schema) == COUNTS.schema
    assert frame.rows() == [
        (2, "01", date(2026, 3, 1), 0.5e9, None, 20e9, None, None),
        (3, "01", date(2026, 3, 2), None, 71.0, None, None, None),
    ]


@pytest.mark.parametrize(
    ("unit", "cell", "expected"),
    [
        ("10^9/L", "0.5", 0.5e9),
        ("10*3/uL", "0.5", 0.5e9),
        ("cells/uL", "500", 0.5e9),
        ("1/uL", "500", 0.5e9),
        ("1/L", "5e8", 0.5e9),
    ],
)
def test_every_accepted_unit_gives_exactly_the_threshold(tmp_path, unit, cell, expected):
    frame = read(tmp_path, f"USUBJID,ADT,ANC [{unit}]\n01,2026-03-01,{cell}\n")
    assert frame["ANC"].item() == expected


def test_hemoglobin_in_g_per_dl_is_ten_times_as_many_g_per_l(tmp_path):
    assert read(tmp_path, "USUBJID,ADT,HGB [g/dL]\n01,2026-03-01,7.0\n")["HGB"].item() == 70.0


def test_dose_in_mg_is_a_thousand_ug_exactly(tmp_path):
    frame = read(tmp_path, "USUBJID,ADT,IRON [mg]\n01,2026-03-01,0.5\n", DOSES, name="doses.csv")
    assert frame["IRON"].item() == 500.0


def test_unit_may_stand_in_the_sidecar(tmp_path):
    text = "USUBJID,ADT,ANC\n01,2026-03-01,500\n"
    frame = read(tmp_path, text, sidecar='[units]\nANC = "cells/uL"\n')
    assert frame["ANC"].item() == 0.5e9


@pytest.mark.parametrize("unit", ["", " []", " [K/uL]", " [g/L]", " [10^9/l]"])
def test_no_unknown_or_foreign_unit_is_accepted(tmp_path, unit):
    message = refused(tmp_path, f"USUBJID,ADT,ANC{unit}\n01,2026-03-01,1\n", error=UnitsError)
    assert message.startswith("counts.csv: column ANC")
    assert "10^9/L" in message
    assert "cells/uL" in message


def test_header_and_sidecar_may_not_contradict_each_other(tmp_path):
    text = "USUBJID,ADT,ANC [10^9/L]\n"
    message = refused(tmp_path, text, error=UnitsError, sidecar='[units]\nANC = "1/L"\n')
    assert "10^9/L" in message
    assert "counts.toml" in message


def test_a_column_without_unit_takes_none(tmp_path):
    message = refused(tmp_path, "USUBJID,SEX,AGE [y]\n", SUBJECTS, error=UnitsError)
    assert "AGE has no unit" in message


@pytest.mark.parametrize(
    ("sidecar", "part"),
    [
        ('[unit]\nANC = "1/L"\n', "'units'"),
        ('[units]\nANK = "1/L"\n', "'ANC'"),
        ("[units]\nANC = 1\n", "[units] must hold"),
        ('below_limit = "zero"\n', "accepted: 'half'"),
        ("not toml", "not TOML"),
    ],
)
def test_a_sidecar_that_no_reader_understands_is_refused(tmp_path, sidecar, part):
    assert part in refused(tmp_path, HEADER, sidecar=sidecar)


def test_subject_01_stays_a_text(tmp_path):
    assert read(tmp_path, HEADER + "01,2026-03-01,1,,\n")["USUBJID"].to_list() == ["01"]


def test_byte_order_mark_windows_lines_blanks_and_quotes_are_read(tmp_path):
    text = 'USUBJID,ADT,EVENT,DETAIL\r\n01, 2026-03-01 ,DEATH,"fever, ""septic""\r\nshock"\r\n\r\n'
    text += "02,2026-03-02,DEATH,\r\n"
    frame = read(tmp_path, codecs.BOM_UTF8 + text.encode(), EVENTS, name="events.csv")
    assert frame["DETAIL"].to_list() == ['fever, "septic"\r\nshock', None]
    assert frame[ROW].to_list() == [2, 5]


def test_header_alone_is_a_table_without_rows(tmp_path):
    frame = read(tmp_path, HEADER)
    assert frame.height == 0
    assert dict(frame.schema) == COUNTS.schema


def test_optional_column_may_be_absent_and_is_null(tmp_path):
    assert read(tmp_path, "USUBJID,ADT\n01,2026-03-01\n")["PLT"].to_list() == [None]


def test_columns_may_stand_in_any_order(tmp_path):
    frame = read(tmp_path, "PLT [1/L],ADT,USUBJID\n2e10,2026-03-01,01\n")
    assert frame.row(0) == (2, "01", date(2026, 3, 1), None, None, 20e9, None, None)


def test_unknown_columns_are_left_out_with_one_warning(tmp_path):
    with pytest.warns(SojournWarning, match="WARD, NURSE") as caught:
        frame = read(tmp_path, "USUBJID,ADT,WARD,NURSE\n01,2026-03-01,x,y\n")
    assert len(caught) == 1
    assert "WARD" not in frame.columns


@pytest.mark.parametrize("found", ["anc [10^9/L]", "ANCS [10^9/L]", "Hgb [g/L]", "PLTS"])
def test_a_misspelt_column_is_refused_rather_than_left_out(tmp_path, found):
    message = refused(tmp_path, f"USUBJID,ADT,{found}\n")
    assert "did you mean" in message


def test_missing_column_is_named_with_what_was_found(tmp_path):
    message = refused(tmp_path, "USUBJID,NOTES\n01,x\n", TRANSFUSIONS, name="tx.csv")
    assert message == ("tx.csv, row 1: the columns ADT, PRODUCT are missing; found: USUBJID, NOTES")


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("1,234", "thousands separator"),
        ("0,5", "decimal comma"),
        ("NA", "leave the cell empty"),
        ("nan", "leave the cell empty"),
        ("inf", "leave the cell empty"),
        ("1e999", "too large"),
        ("0x10", "decimal number"),
        ("\u0661", "decimal number"),
        ("1_000", "decimal number"),
        ("<0.1", "below_limit = 'half'"),
        (">100", "above the limit"),
        ("501", "0 to 5e+11 1/L"),
        ("-0.1", "0 to 5e+11 1/L"),
    ],
)
def test_a_number_is_never_guessed(tmp_path, cell, part):
    message = refused(tmp_path, HEADER + f'01,2026-03-01,1,,\n07,2026-03-02,"{cell}",,\n')
    assert message.startswith(f"counts.csv, row 3: subject '07', column ANC: found '{cell}'; ")
    assert part in message


@pytest.mark.parametrize(("cell", "is_read"), [("30", True), ("29.9", False), ("250", True)])
def test_plausible_range_includes_its_bounds(tmp_path, cell, is_read):
    text = HEADER + f"01,2026-03-01,,{cell},\n"
    if is_read:
        assert read(tmp_path, text)["HGB"].item() == float(cell)
    else:
        assert "30 to 250 g/L" in refused(tmp_path, text)


def test_hemoglobin_in_the_wrong_unit_is_implausible(tmp_path):
    message = refused(tmp_path, "USUBJID,ADT,HGB [g/L]\n01,2026-03-01,8.4\n")
    assert "the unit in the column's header" in message
    message = refused(tmp_path, "USUBJID,ADT,HGB [g/dL]\n01,2026-03-01,84\n")
    assert "read as 840 g/L" in message


def test_half_of_the_limit_stands_where_the_sidecar_says_so(tmp_path):
    text = HEADER + "01,2026-03-01,<0.1,,\n02,2026-03-02,0.3,,< 5\n"
    with pytest.warns(SojournWarning, match=r"2 results .* row 2 ANC, row 3 PLT"):
        frame = read(tmp_path, text, sidecar='below_limit = "half"\n')
    assert frame["ANC"].to_list() == [0.05e9, 0.3e9]
    assert frame["PLT"].to_list() == [None, 2.5e9]


@pytest.mark.parametrize(
    "cell", ["01.03.2026", "3/1/2026", "2026-3-1", "20260301", "2026-03-01T08:00", "2026-03"]
)
def test_only_whole_iso_dates_are_read(tmp_path, cell):
    message = refused(tmp_path, HEADER + f"01,{cell},1,,\n")
    assert f"row 2: subject '01', column ADT: found '{cell}'; expected a whole ISO date" in message


def test_a_day_that_does_not_exist_is_refused(tmp_path):
    assert "no such day" in refused(tmp_path, HEADER + "01,2026-02-29,1,,\n")


@pytest.mark.parametrize("cell", ["1899-12-31", "2100-01-01", "2300-06-01", "3030-03-01"])
def test_a_year_of_no_trial_is_refused(tmp_path, cell):
    message = refused(tmp_path, HEADER + f"01,{cell},1,,\n")
    assert f"row 2: subject '01', column ADT: found '{cell}'; the year {cell[:4]}" in message
    assert "lies outside 1900 to 2099: correct the date" in message


@pytest.mark.parametrize("cell", ["1900-01-01", "2099-12-31"])
def test_the_first_and_the_last_day_are_read(tmp_path, cell):
    frame = read(tmp_path, HEADER + f"01,{cell},1,,\n")
    assert frame["ADT"].to_list() == [date.fromisoformat(cell)]


@pytest.mark.parametrize("cell", ["3.0", "1e1", "three", "2.5"])
def test_whole_numbers_are_whole(tmp_path, cell):
    text = f"USUBJID,SEX,AGE\n01,F,{cell}\n"
    assert "expected a whole number" in refused(tmp_path, text, SUBJECTS, name="subjects.csv")


def test_codes_are_checked_and_the_nearest_is_suggested(tmp_path):
    text = "USUBJID,ADT,PRODUCT\n01,2026-03-01,rbc\n"
    message = refused(tmp_path, text, TRANSFUSIONS, name="transfusions.csv")
    assert "found 'rbc'; expected one of RBC, PLT; did you mean 'RBC'?" in message


def test_required_cell_may_not_be_empty(tmp_path):
    assert "row 2: column USUBJID: found ''" in refused(tmp_path, HEADER + ",2026-03-01,1,,\n")
    assert "row 2: subject '01', column ADT" in refused(tmp_path, HEADER + "01,,1,,\n")


def test_duplicate_visits_name_both_rows(tmp_path):
    text = "USUBJID,VISIT,ADT,GRADE\n01,DAY7,,A\n02,DAY7,,A\n01,DAY7,2026-03-08,MISSING\n"
    message = refused(tmp_path, text, SCANS, name="scans.csv")
    assert message.startswith("scans.csv, rows 2 and 4: both hold USUBJID 01, VISIT DAY7; ")


def test_several_counts_of_one_date_are_legal(tmp_path):
    row = "01,2026-03-01,0.5,,\n"
    assert read(tmp_path, HEADER + row + row).height == 2


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (HEADER + "01,2026-03-01,1,\n", "row 2: found 4 cells, expected 5"),
        (HEADER + "01,2026-03-01,1,,,\n", "row 2: found 6 cells, expected 5"),
        (HEADER + '01,2026-03-01,"1,,\n', "check the double quotes"),
        (HEADER + '01,2026-03-01,"1"2,,\n', "row 2"),
        ((HEADER + "01,2026-03-01,").encode() + b"\0", "row 2: a NUL byte"),
        ((HEADER + "01,2026-03-01,1,,\n").encode() + b"M\xfcller", "row 3: byte 0xfc is not UTF-8"),
        (HEADER.encode("utf-16"), "found UTF-16"),
        (HEADER.replace(",", ";"), "separated by semicolons"),
        (HEADER.replace(",", "\t"), "separated by tabs"),
        ("USUBJID,ADT,ADT\n", "ADT stands there twice"),
        ("USUBJID,ADT,\n", "header cell ''"),
        ("USUBJID,ADT,ANC [1/L] x\n", "header cell 'ANC [1/L] x'"),
    ],
)
def test_a_broken_file_gets_one_clear_error(tmp_path, text, part):
    message = refused(tmp_path, text)
    assert message.startswith("counts.csv")
    assert part in message


def test_a_file_beyond_the_size_bound_is_refused(tmp_path, monkeypatch):
    size = len(HEADER.encode())
    monkeypatch.setattr(csv_format, "MAX_BYTES", size)
    assert read(tmp_path, HEADER).height == 0
    monkeypatch.setattr(csv_format, "MAX_BYTES", size - 1)
    assert f"{size} bytes" in refused(tmp_path, HEADER)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"counts\.csv: no such file"):
        read_table(tmp_path / "counts.csv", COUNTS)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_one_of_our_errors(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("fuzz") / "counts.csv"
    path.write_bytes(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SojournWarning)
        message = ""
        try:
            read_table(path, COUNTS)
        except (DataError, UnitsError) as error:
            message = str(error)
    assert not message or message.startswith("counts.csv")


@given(st.text(alphabet='0123456789.,;<>-+eE nNaA"\n\t[]é', max_size=60))
def test_any_cells_give_a_table_or_one_of_our_errors(text):
    try:
        message, schema = "", dict(parse_table(HEADER + text, "counts.csv", COUNTS).schema)
    except DataError as error:
        message, schema = str(error), {}
    assert message.startswith("counts.csv, row") or schema == COUNTS.schema


cells = st.fixed_dictionaries(
    {
        "USUBJID": st.from_regex(r"[A-Za-z0-9,\"-]{1,6}", fullmatch=True),
        "ADT": st.dates(date(1900, 1, 1), date(2099, 12, 31)),
        "ANC": st.none() | st.floats(0, 500e9),
        "HGB": st.none() | st.floats(30.001, 249.999),
        "PLT": st.none() | st.floats(0, 4999e9),
    }
)


@given(st.lists(cells, max_size=5))
def test_what_is_written_is_read_back_as_it_was(tmp_path_factory, rows):
    schema = {name: kind for name, kind in COUNTS.schema.items() if name != ROW}
    frame = pl.DataFrame(rows, schema=schema)
    path = tmp_path_factory.mktemp("round") / "counts.csv"
    write_table(path, frame, COUNTS)
    assert read_table(path, COUNTS).drop(ROW).equals(frame)


def test_units_of_a_written_file_stand_in_its_header(tmp_path):
    path = tmp_path / "counts.csv"
    frame = read(tmp_path, HEADER + "01,2026-03-01,0.5,71,20\n02,2026-03-01,,,\n", name="in.csv")
    units = {"ANC": "10^9/L", "PLT": "10^9/L", "HGB": "g/dL"}
    write_table(path, frame, COUNTS, units=units)
    assert path.read_bytes() == (
        b"USUBJID,ADT,ANC [10^9/L],HGB [g/dL],PLT [10^9/L],WBC [1/L],LYMPH [1/L]\n"
        b"01,2026-03-01,0.5,7.1,20,,\n02,2026-03-01,,,,,\n"
    )
    assert read_table(path, COUNTS).equals(frame)


@pytest.mark.parametrize(
    ("frame", "units", "error"),
    [
        ({"USUBJID": ["01"]}, {}, DataError),
        ({"USUBJID": [1], "ADT": [date(2026, 3, 1)]}, {}, DataError),
        ({"USUBJID": ["01"], "ADT": [date(2026, 3, 1)], "X": [1]}, {}, DataError),
        ({"USUBJID": ["01"], "ADT": [date(2026, 3, 1)], "ANC": [float("nan")]}, {}, DataError),
        ({"USUBJID": ["01"], "ADT": [date(2026, 3, 1)], "ANC": [1e13]}, {}, DataError),
        ({"USUBJID": ["01"], "ADT": [date(2100, 1, 1)]}, {}, DataError),
        ({"USUBJID": ["01"], "ADT": [date(2026, 3, 1)], "ANC": [1.0]}, {"ANC": "g/L"}, UnitsError),
        ({"USUBJID": ["01"], "ADT": [date(2026, 3, 1)]}, {"ANC": "1/L"}, UnitsError),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, frame, units, error):
    path = tmp_path / "counts.csv"
    path.write_text("as before")
    with pytest.raises(error):
        write_table(path, pl.DataFrame(frame), COUNTS, units=units)
    assert path.read_text() == "as before"
    assert [p.name for p in tmp_path.iterdir()] == ["counts.csv"]


def test_a_subject_of_one_table_that_is_not_in_subjects_is_named(tmp_path):
    subjects = read(tmp_path, "USUBJID,SEX,AGE\n01,F,40\n02,M,41\n", SUBJECTS, name="subjects.csv")
    follow_up = read(
        tmp_path, "USUBJID,ADT\n01,2026-03-01\n03,2026-03-02\n", FOLLOW_UP, name="follow_up.csv"
    )
    with pytest.raises(DataError, match="follow_up, row 3: subject '03' is not in the table"):
        check_subjects({"follow_up": follow_up, "subjects": subjects})
    check_subjects({"follow_up": follow_up.head(1), "subjects": subjects})
    with pytest.raises(DataError, match="no table 'subjects'"):
        check_subjects({"follow_up": follow_up})


def test_the_24_items_of_womac_are_read_as_whole_numbers(tmp_path):
    names = [c.name for c in WOMAC.columns]
    items = ["0"] * 23 + [""]
    text = ",".join(names) + "\n" + ",".join(["01", "BASELINE", "", *items]) + "\n"
    frame = read(tmp_path, text, WOMAC, name="womac.csv")
    assert frame["F16"].dtype == pl.Int64
    assert frame["F17"].to_list() == [None]
