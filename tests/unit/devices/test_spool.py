"""A device's journal on disk: what is kept survives, what is damaged is set aside, what is receipted is gone."""

import os
from binascii import crc32
from collections.abc import Callable
from pathlib import Path

import pytest

from devices import spool as spools
from devices.errors import SpoolError
from devices.spool import DAMAGED, JOURNAL, LOCK, Letter, Spool


def letters(count: int, device: str = "d-1", size: int = 20) -> list[Letter]:
    """Make messages m-0, m-1 and on."""
    return [Letter(device, f"m-{number}", b"\x00\n" * (size // 2)) for number in range(count)]


def ids(spool: Spool) -> list[str]:
    """The ids that wait, oldest first."""
    return [kept.message_id for kept in spool.waiting()]


def test_what_is_kept_is_there_when_the_journal_is_opened_again(tmp_path: Path) -> None:
    """In order, byte for byte, without any goodbye."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(3))
        spool.keep([Letter("d-2", "other", b"{}")])
    with Spool(tmp_path) as spool:
        assert ids(spool) == ["m-0", "m-1", "m-2", "other"]
        assert [spool.payload(kept) for kept in spool.waiting()] == [b"\x00\n" * 10] * 3 + [b"{}"]
        assert len(spool) == 4
        assert spool.damaged == 0


def test_what_is_receipted_is_gone_and_stays_gone(tmp_path: Path) -> None:
    """Also after the journal is opened again; a receipt that comes twice changes nothing."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(3))
        assert spool.forget("d-1", "m-1")
        assert not spool.forget("d-1", "m-1")
        assert not spool.forget("d-2", "m-0")
    with Spool(tmp_path) as spool:
        assert ids(spool) == ["m-0", "m-2"]


def test_a_message_kept_twice_is_kept_once(tmp_path: Path) -> None:
    """By device and id; once receipted the same id is a new message."""
    with Spool(tmp_path) as spool:
        assert len(spool.keep(letters(2))) == 2
        assert spool.keep(letters(2)) == []
        assert len(spool.keep([Letter("d-2", "m-0", b"x")])) == 1
        spool.forget("d-1", "m-0")
        assert [kept.message_id for kept in spool.keep(letters(2))] == ["m-0"]


@pytest.mark.hazard("H15")
def test_a_torn_last_line_costs_that_message_only(tmp_path: Path) -> None:
    """Cut at every byte of the last record, and before it: the others stand, it is counted, and new ones follow."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(3))
        last = spool.waiting()[-1]
    whole = (tmp_path / JOURNAL).read_bytes()
    for cut in range(last.start, last.start + last.length):
        (tmp_path / JOURNAL).write_bytes(whole[:cut])
        with Spool(tmp_path) as spool:
            assert ids(spool) == ["m-0", "m-1"]
            assert spool.damaged == 1
            spool.keep([Letter("d-1", "next", b"x")])
        with Spool(tmp_path) as spool:
            assert ids(spool) == ["m-0", "m-1", "next"]
            assert spool.damaged == 0


@pytest.mark.parametrize(
    "note", [None, b"", b"0000000000000001\n", b"rubbish"], ids=["older", "none", "less", "damaged"]
)
def test_a_journal_that_is_longer_than_its_note_is_whole(tmp_path: Path, note: bytes | None) -> None:
    """As after a kill or a power cut between the two, which lose no message; or of a release that wrote none."""
    with Spool(tmp_path) as spool:
        older = (tmp_path / LOCK).read_bytes()
        spool.keep(letters(3))
    (tmp_path / LOCK).write_bytes(older if note is None else note)
    with Spool(tmp_path) as spool:
        assert ids(spool) == ["m-0", "m-1", "m-2"]
        assert spool.damaged == 0


def test_a_journal_that_was_cut_after_it_was_rewritten_is_found(tmp_path: Path) -> None:
    """Opening rewrites it, with what waits alone."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(3))
        spool.forget("d-1", "m-0")
    with Spool(tmp_path) as spool:
        last = spool.waiting()[-1]
    os.truncate(tmp_path / JOURNAL, last.start)
    with Spool(tmp_path) as spool:
        assert (ids(spool), spool.damaged) == (["m-1"], 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:20] + bytes([line[20] ^ 1]) + line[21:],
        lambda line: b"0" + line[1:] if line[:1] != b"0" else b"1" + line[1:],
        lambda line: b"\0" * (len(line) - 1) + b"\n",
        lambda _: b"\n",
        lambda _: b"00000000 []\n",
        lambda _: b'%08x ["d-1","\xff","e30="]\n' % crc32(b'["d-1","\xff","e30="]'),
    ],
    ids=["a bit", "the checksum", "zeroes", "nothing", "another record", "no text"],
)
def test_damage_in_the_middle_is_set_aside_and_counted(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """No damaged message is sent as if it were whole, and those after it are not lost with it."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(3))
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    lines[1] = damage(lines[1])
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    with Spool(tmp_path) as spool:
        assert ids(spool) == ["m-0", "m-2"]
        assert spool.damaged == 1
    assert (tmp_path / DAMAGED).read_bytes().count(b"\n") == 1
    with Spool(tmp_path) as spool:
        assert spool.damaged == 0


def test_two_processes_never_hold_one_journal(tmp_path: Path) -> None:
    """The second is refused until the first lets go."""
    with Spool(tmp_path), pytest.raises(SpoolError, match="in use"):
        Spool(tmp_path)
    Spool(tmp_path).close()


def test_a_journal_of_receipted_messages_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is rewritten with what waits, in order, and what waits can still be read."""
    monkeypatch.setattr(spools, "COMPACT_BYTES", 2000)
    with Spool(tmp_path) as spool:
        spool.keep([Letter("d-1", "first", b"1"), Letter("d-1", "second", b"2")])
        early = spool.waiting()
        for number in range(200):
            spool.keep([Letter("d-2", f"m-{number}", b"x" * 100)])
            spool.forget("d-2", f"m-{number}")
        assert (tmp_path / JOURNAL).stat().st_size < 3000
        assert [spool.payload(kept) for kept in early] == [b"1", b"2"]
    with Spool(tmp_path) as spool:
        assert ids(spool) == ["first", "second"]


@pytest.mark.hazard("H15")
def test_a_full_disk_is_said_and_leaves_the_journal_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half written is taken back, and the next attempt is as if it had not been."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(1))

        def half(descriptor: int, text: memoryview) -> int:
            monkeypatch.undo()
            os.write(descriptor, text[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", half)
        with pytest.raises(SpoolError, match="No space left"):
            spool.keep([Letter("d-1", "lost", b"x")])
        assert ids(spool) == ["m-0"]
        spool.keep([Letter("d-1", "next", b"x")])
    with Spool(tmp_path) as spool:
        assert ids(spool) == ["m-0", "next"]
        assert spool.damaged == 0


@pytest.mark.hazard("H15")
def test_a_disk_that_cannot_sync_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No message is called kept that was not synced."""

    def unsynced(_: int) -> None:
        raise OSError(5, "Input/output error")

    with Spool(tmp_path) as spool:
        monkeypatch.setattr(os, "fdatasync", unsynced)
        with pytest.raises(SpoolError, match="Input/output"):
            spool.keep(letters(1))
        assert len(spool) == 0


@pytest.mark.hazard("H1")
def test_every_message_is_synced_before_it_is_called_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sync for a batch, however large, and none for a receipt."""
    synced: list[int] = []
    with Spool(tmp_path) as spool:
        monkeypatch.setattr(os, "fdatasync", lambda _: synced.append((tmp_path / JOURNAL).stat().st_size))
        spool.keep(letters(100))
        assert synced == [(tmp_path / JOURNAL).stat().st_size]
        spool.forget("d-1", "m-0")
        assert len(synced) == 1


def test_a_message_that_the_disk_lost_is_not_sent_as_something_else(tmp_path: Path) -> None:
    """SpoolError, when the bytes under a running client are no longer those written."""
    with Spool(tmp_path) as spool:
        (kept,) = spool.keep(letters(1))
        os.truncate(tmp_path / JOURNAL, 5)
        with pytest.raises(SpoolError, match="no longer holds"):
            spool.payload(kept)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """SpoolError names it."""
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="cannot be opened"):
        Spool(tmp_path / "file")


@pytest.mark.hazard("H22")
def test_the_journal_is_its_owners_only(tmp_path: Path) -> None:
    """Nobody else on the machine reads a patient's readings in it."""
    with Spool(tmp_path) as spool:
        spool.keep(letters(1))
        spool.forget("d-1", "m-0")
    with Spool(tmp_path):
        assert (tmp_path / JOURNAL).stat().st_mode & 0o077 == 0


def test_the_kind_of_a_message_is_kept_and_a_journal_of_before_has_readings(tmp_path: Path) -> None:
    """Answers go to the topic of answers also after a restart and a compaction; old lines say no kind."""
    with Spool(tmp_path) as spool:
        spool.keep([*letters(1), Letter("d-1", "a-1", b"{}", "answers")])
        assert spool.forget("d-1", "m-0")
        spool.keep(letters(1, "d-2"))
    for _ in range(2):
        with Spool(tmp_path) as spool:
            assert [(kept.message_id, kept.kind) for kept in spool.waiting()] == [
                ("a-1", "answers"),
                ("m-0", "readings"),
            ]
    lines = (tmp_path / "journal").read_bytes().splitlines()
    assert b'"readings"' not in lines[1]
