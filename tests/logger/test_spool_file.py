"""A file of rows gives back what was added, up to where it is damaged."""

import resource

import bson
import pytest
from prefect_mlops.logger.spool_file import DamagedFile, SpoolFile
from support.loggers import files


def test_a_file_gives_back_what_was_added_in_its_order(tmp_path):
    file = SpoolFile(tmp_path / "a.bson")
    # Some are larger than what is read at once.
    sizes = [*range(5, 180), 70_000, 65_536, 5, 200_000]
    bodies = [size.to_bytes(4, "little") + bytes(size - 4) for size in sizes]
    file.append(bodies[0])
    file.append(b"".join(bodies[1:150]))
    file.append(b"".join(bodies[150:]))
    file.close()
    found, place = [], 0
    while True:
        place, more = file.read(place)
        if not more:
            break
        found += more
    assert found == bodies
    assert file.bytes == sum(map(len, bodies))
    file.delete()
    assert files(tmp_path) == []


def test_a_row_that_does_not_fit_leaves_nothing_behind(tmp_path):
    file = SpoolFile(tmp_path / "a.bson")
    row = bson.encode({"x": "y" * 100})
    file.append(row)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(row) + 50, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            file.append(row + row)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.path.read_bytes() == row
    file.append(row)
    assert file.read(0) == (2 * len(row), [row, row])


@pytest.mark.parametrize("damage", [bytes(4096), b"\xff" * 100, b"\x40\0\0\0half", b"\x05"])
def test_rows_before_the_damage_are_read(tmp_path, damage):
    file = SpoolFile(tmp_path / "a.bson")
    rows = [bson.encode({"x": number}) for number in range(20)]
    file.append(b"".join(rows) + damage)
    place, found = file.read(0)
    assert found == rows
    assert place == len(b"".join(rows))
    with pytest.raises(DamagedFile):
        file.read(place)
