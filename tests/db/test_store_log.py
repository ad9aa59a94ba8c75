"""The log of readings: what a message leaves in it, what tells a repeat, and that nothing is lost or doubled."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from devices.readings import MARK_CLOCK_AHEAD, MARK_RECEIPT_TIME, Attempt, Message, Reading, Refused
from vwmon.attribution import AS_APPENDED, AS_READ
from vwmon.store import attempts, batch, database, known, readings, registers
from vwmon.store.arrivals import Appended, Arrival, Quarantined
from vwmon.store.fresh import Fresh
from vwmon.store.log import LogWriter, drop_days_before, merge
from vwmon.store.sqlite import Connection, DatabaseError, OperationalError
from vwmon.store.verify import RULES

T0 = 1_795_000_000_000
DAY = 86_400_000
ALL = 1 << 40


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """An empty database."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        yield opened


def reading(value: float | None = 93.0, **changes: object) -> Reading:
    """Build a saturation at T0."""
    fields: dict[str, object] = {
        "vital": "spo2",
        "value": value,
        "text": None,
        "observed_ms": T0,
        "raw_value": None,
        "raw_unit": None,
        "marks": 0,
    }
    return Reading(**(fields | changes))  # type: ignore[arg-type]


def arrival(id_: str | None, *sent: Reading, device: str = "oximeter-1", **changes: object) -> Arrival:
    """Build a message of a device, received half a second after T0."""
    fields: dict[str, object] = {
        "id": id_,
        "seq": None,
        "battery_percent": None,
        "readings": sent,
        "refused": (),
    }
    message = Message(**(fields | changes))  # type: ignore[arg-type]
    return Arrival("resp", device, f"vwmon/resp/{device}/readings", message, T0 + 500, b'{"v":1}')


def append(db: Connection, *arrivals: Arrival) -> Appended:
    """Append a batch with a writer of its own, as after a restart."""
    return LogWriter(db).append(arrivals, (), T0 + 900)


def values(db: Connection) -> list[float | None]:
    """Read the values stored, in log order."""
    return [row[4] for row in readings.rows_after(db, 0, ALL)]


def test_a_message_is_stored_whole_and_in_order(db: Connection) -> None:
    """Its readings stand together in the log, in their order, under one unit, with when they came."""
    pulse = reading(104.0, vital="heart_rate", observed_ms=T0 - 20_000)
    told = append(db, arrival("a", reading(), pulse), arrival("b", reading(92.0)))
    assert told == Appended(stored=3, duplicates=0, refused=0, quarantined=0, last_seq=3)
    assert readings.rows_after(db, 0, ALL) == [
        (1, 1, 1, T0, 93.0, T0 + 500, 1),
        (2, 1, 2, T0 - 20_000, 104.0, T0 + 500, 1),
        (3, 1, 1, T0, 92.0, T0 + 500, 3),
    ]
    assert readings.vitals(db) == {1: "spo2", 2: "heart_rate"}


def test_the_same_id_again_changes_nothing_whatever_it_says(db: Connection) -> None:
    """The first message of an id is the message; another content under the same id is not stored."""
    append(db, arrival("a", reading()))
    assert append(db, arrival("a", reading(70.0), reading(71.0))).duplicates == 2
    assert values(db) == [93.0]


def test_the_same_id_of_two_devices_is_two_messages(db: Connection) -> None:
    """Ids are unique per device only."""
    append(db, arrival("a", reading()), arrival("a", reading(92.0), device="oximeter-2"))
    assert values(db) == [93.0, 92.0]


def test_a_repeat_within_one_batch_is_a_repeat(db: Connection) -> None:
    """A device that resends before the receipt may be twice in one batch."""
    assert append(db, arrival("a", reading()), arrival("a", reading())).stored == 1


@pytest.mark.hazard("T6")
@pytest.mark.parametrize("merged", [False, True])
def test_a_repeat_is_known_after_a_restart_and_a_merge(db: Connection, merged: bool) -> None:
    """What tells a repeat is in the database with the reading, not only in memory."""
    sent = (arrival("b", reading()), arrival("a", reading(92.0)), arrival(None, reading(91.0)))
    append(db, *sent)
    if merged:
        merge(db, ALL, ALL)
    assert append(db, *sent, arrival("aa", reading(90.0))).stored == 1
    assert values(db) == [93.0, 92.0, 91.0, 90.0]


def test_a_reading_without_an_id_is_known_by_device_vital_time_and_value(db: Connection) -> None:
    """Each difference makes it another reading; none makes it a repeat."""
    first = reading()
    others = [
        reading(94.0),
        reading(observed_ms=T0 + 1),
        reading(vital="heart_rate"),
        reading(None, text="93.0", vital="spo2"),
    ]
    told = append(db, *(arrival(None, each) for each in [first, *others, first, *others]))
    assert (told.stored, told.duplicates) == (5, 5)
    assert append(db, arrival(None, first, device="oximeter-2")).stored == 1


@pytest.mark.parametrize("mark", [MARK_RECEIPT_TIME, MARK_CLOCK_AHEAD])
def test_a_reading_without_id_and_time_is_never_a_repeat(db: Connection, mark: int) -> None:
    """The time of receipt says nothing about whether two readings are one."""
    undated = arrival(None, reading(marks=mark))
    assert append(db, undated, undated).stored == 2


def test_a_message_of_which_every_reading_is_refused_is_remembered_too(db: Connection) -> None:
    """It goes to quarantine once, however often the device repeats it, before and after a restart."""
    bad = Refused(vital="spo2", reason="not_a_number", detail="no number", index=0)
    refused = arrival("a", refused=(bad, bad))
    assert append(db, refused, refused) == Appended(stored=0, duplicates=2, refused=2, quarantined=0, last_seq=0)
    assert append(db, refused).duplicates == 2
    rows = db.execute("select quarantine_no, reason, message_id, payload, payload_no from quarantine").fetchall()
    assert rows == [(1, "not_a_number", "a", b'{"v":1}', 1), (2, "not_a_number", "a", None, 1)]


@pytest.mark.hazard("H1")
def test_the_good_readings_of_a_message_are_stored_beside_the_refused_ones(db: Connection) -> None:
    """Every reading delivered is stored, refused or a repeat: nothing goes uncounted."""
    bad = Refused(vital="weight", reason="unit_unknown", detail="stone", index=1)
    told = append(db, arrival("a", reading(), refused=(bad,)), arrival("a", reading(), refused=(bad,)))
    assert (told.stored, told.refused, told.duplicates) == (1, 1, 2)


def test_a_message_that_is_no_use_at_all_is_kept_with_its_reason(db: Connection) -> None:
    """Bytes, topic and reason; of one far too large the beginning, and how large it was."""
    huge = Quarantined(
        topic="vwmon/resp/x/readings",
        device="x",
        reason="too_large",
        detail="65537 bytes",
        payload=b"x" * 70_000,
        received_ms=T0,
    )
    assert LogWriter(db).append((), [huge], T0).quarantined == 1
    (row,) = db.execute("select topic, device, reason, payload, payload_bytes, recorded_ms from quarantine").fetchall()
    assert row == ("vwmon/resp/x/readings", "x", "too_large", b"x" * 65_536, 70_000, T0)


@pytest.mark.hazard("H6")
def test_what_was_sent_in_other_units_or_words_is_kept_as_it_was(db: Connection) -> None:
    """Canonical value and raw value side by side; a word of an unknown vital as the word, also an empty one."""
    pressure = reading(120.0, vital="systolic_bp", raw_value=16.0, raw_unit="kPa")
    oxygen = reading(1.0, vital="oxygen", raw_value="oxygen")
    append(db, arrival("a", pressure, oxygen, reading(), reading(None, vital="mood", text="")))
    rows = db.execute("select value, text, raw_value, raw_unit from reading_log order by seq").fetchall()
    assert rows == [
        (120.0, None, 16.0, "kPa"),
        (1.0, None, "oxygen", None),
        (93.0, None, None, None),
        (None, "", None, None),
    ]


def test_a_device_that_nobody_added_is_heard_all_the_same(db: Connection) -> None:
    """Its readings are kept under its name, and the register shows that nobody added it."""
    append(db, arrival("a", reading(), device="stranger"))
    heard = registers.device(db, "stranger")
    assert (heard.registered, heard.added_ms) == (False, T0 + 500)
    assert registers.register_version(db) == 0


def test_the_battery_of_a_message_reaches_the_register(db: Connection) -> None:
    """The last one said, and when."""
    append(db, arrival("a", reading(), battery_percent=81.0), arrival("b", reading(), battery_percent=80.0))
    heard = registers.device(db, "oximeter-1")
    assert (heard.battery_percent, heard.battery_ms) == (80.0, T0 + 500)


def test_a_batch_that_fails_leaves_nothing_and_can_be_sent_again(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle of a batch: no reading, no device, no vital, no key of it stays."""
    writer = LogWriter(db)
    sent = [arrival("a", reading(), seq=1), arrival("b", reading(vital="new"), device="new", seq=1)]

    def fail(_: batch.Batch) -> None:
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(batch.Batch, "write", fail)
        with pytest.raises(OperationalError):
            writer.append(sent, (), T0)
    assert (values(db), registers.devices(db), readings.vitals(db)) == ([], [], {})
    assert writer.append(sent, (), T0).stored == 2


def test_merging_moves_what_it_is_told_and_no_more(db: Connection) -> None:
    """Up to the number given, at most so many at once; the writer knows how much is left."""
    writer = LogWriter(db)
    writer.append([arrival(str(n), reading(float(n))) for n in range(10)], (), T0)
    assert writer.tail_size == 10
    assert writer.merge(7, 5) == 5
    assert writer.merge(7, 5) == 2
    assert writer.merge(7, 5) == 0
    assert (writer.tail_size, writer.last_seq) == (3, 10)
    assert db.execute("select count(*) from reading").fetchone() == (7,)
    assert values(db) == [float(n) for n in range(10)]


def test_a_merge_that_is_cut_short_has_not_happened(db: Connection) -> None:
    """Killed between moving and deleting, everything is where it was."""
    append(db, arrival("a", reading()), arrival("b", reading(92.0)))
    db.execute("create temp trigger cut before delete on reading_log begin select raise(abort, 'cut'); end")
    with pytest.raises(Exception, match="cut"):
        merge(db, ALL, ALL)
    assert db.execute("select (select count(*) from reading), (select count(*) from reading_log)").fetchone() == (0, 2)


def test_merged_readings_lie_in_the_order_of_day_and_series(db: Connection) -> None:
    """A day's readings of one vital of one device lie together, whenever they came."""
    days = [T0 + DAY, T0, T0 + DAY + 5, T0 + 7]
    append(db, *(arrival(str(at), reading(observed_ms=at)) for at in days))
    merge(db, ALL, ALL)
    stored = db.execute("select day, observed_ms from reading").fetchall()
    assert stored == [(at // DAY, at) for at in sorted(days)]


def test_old_days_are_dropped_one_by_one(db: Connection) -> None:
    """Only days before the one given, and the register of the log says from when on it is whole."""
    append(db, *(arrival(str(n), reading(float(n), observed_ms=T0 + n * DAY)) for n in range(4)))
    merge(db, 3, ALL)
    assert drop_days_before(db, T0 // DAY + 2) == 2
    assert values(db) == [2.0, 3.0]
    assert db.execute("select dropped_before_day from log").fetchone() == (T0 // DAY + 2,)


def test_the_keys_of_what_is_merged_leave_the_memory(db: Connection) -> None:
    """Memory holds the keys of the tail only, or a backlog of a million messages would fill it."""
    writer = LogWriter(db)
    writer.append([arrival(f"{n:03}", reading(float(n))) for n in range(50)], (), T0)
    writer.merge(ALL, 40)
    assert writer._known is not None
    assert len(writer._known.devices["oximeter-1"].tail) == 10
    assert writer.append([arrival(f"{n:03}", reading()) for n in range(50)], (), T0).duplicates == 50


def test_rising_ids_are_not_looked_up_and_others_with_one_statement(db: Connection) -> None:
    """The index of merged keys is asked only for ids at or below the greatest, once a batch."""
    append(db, *(arrival(f"{n:03}", reading(float(n))) for n in range(10)))
    merge(db, ALL, ALL)
    writer = LogWriter(db)
    asked: list[str] = []
    db.set_trace_callback(lambda statement: asked.append(statement) if "json_each" in statement else None)
    writer.append([arrival(f"{n:03}", reading()) for n in range(10, 20)], (), T0)
    assert asked == []
    writer.append([arrival(f"{n:03}", reading()) for n in range(20)], (), T0)
    assert len(asked) == 1
    db.set_trace_callback(None)


def test_another_writer_on_the_same_file_is_noticed(db: Connection) -> None:
    """A reading entered by hand while the daemon runs takes its own place, and its repeat is known to both."""
    first, second = LogWriter(db), LogWriter(db)
    first.append([arrival("a", reading())], (), T0)
    assert second.append([arrival("a", reading()), arrival("b", reading(92.0))], (), T0).stored == 1
    assert first.append([arrival("b", reading()), arrival("c", reading(91.0))], (), T0).stored == 1
    second.merge(ALL, ALL)
    assert first.append([arrival("c", reading()), arrival("d", reading(90.0))], (), T0).stored == 1
    assert values(db) == [93.0, 92.0, 91.0, 90.0]
    assert first.tail_size >= 1


def test_a_merge_beside_another_writer_forgets_nothing(db: Connection) -> None:
    """A writer that merges what another one appended starts over from the database."""
    first, second = LogWriter(db), LogWriter(db)
    second.append([arrival("a", reading())], (), T0)
    assert first.merge(ALL, ALL) == 1
    assert first.append([arrival("a", reading())], (), T0).duplicates == 1


def test_devices_that_were_not_heard_since_the_start_are_merged_as_well(db: Connection) -> None:
    """A restart before the merge: keys of devices that the writer has not met are forgotten too, and known after."""
    append(db, arrival("a", reading()), arrival("a", reading(), device="oximeter-2"))
    writer = LogWriter(db)
    writer.merge(ALL, ALL)
    again = [arrival("a", reading()), arrival("a", reading(), device="oximeter-2")]
    assert writer.append(again, (), T0).duplicates == 2


def test_a_batch_is_cut_between_messages_only(db: Connection) -> None:
    """The rows of one message come together even when that is more than was asked for."""
    append(db, arrival("a", reading(), reading(92.0), reading(91.0)), arrival("b", reading(90.0)))
    assert [row[0] for row in readings.rows_after(db, 0, 1)] == [1, 2, 3]
    assert [row[0] for row in readings.rows_after(db, 3, 1)] == [4]
    assert readings.rows_after(db, 4, 1) == []


@pytest.mark.hazard("H5")
def test_the_last_reading_is_that_observed_last(db: Connection) -> None:
    """A late reading does not become the latest by coming last, merged or not."""
    append(db, arrival("a", reading(93.0, observed_ms=T0 + 5)))
    merge(db, ALL, ALL)
    append(db, arrival("b", reading(91.0, observed_ms=T0 + 1)))
    assert readings.latest(db)[1, 1].value == 93.0
    merge(db, ALL, ALL)
    assert readings.latest(db)[1, 1].value == 93.0
    assert readings.newest(db) == [(1, 1, 1, T0 + 5, 93.0, T0 + 500, 1)]
    assert readings.latest(db, [2]) == {}


@pytest.mark.parametrize("order", [(1, 3, 5), (5, 3, 1), (3, 5, 1)])
def test_one_merge_keeps_the_last_observed_of_what_it_takes(db: Connection, order: tuple[int, ...]) -> None:
    """In whatever order it came, with its own number and its own message."""
    append(db, *(arrival(f"m{at}", reading(90.0 + at, observed_ms=T0 + at)) for at in order))
    merge(db, ALL, ALL)
    last, seq = readings.latest(db)[1, 1], order.index(5) + 1
    assert (last.value, last.observed_ms, last.seq) == (95.0, T0 + 5, seq)
    assert readings.newest(db) == [(seq, 1, 1, T0 + 5, 95.0, T0 + 500, seq)]


def test_a_device_is_numbered_once(db: Connection) -> None:
    """Asking for the number of a device again gives the same one."""
    assert known.device_number(db, "x", T0) == known.device_number(db, "x", T0 + 1) == 1


@pytest.mark.parametrize("count", [batch.AT_ONCE - 1, batch.AT_ONCE, batch.AT_ONCE + 1, 2 * batch.AT_ONCE + 3])
def test_many_readings_are_stored_as_few_are(db: Connection, count: int) -> None:
    """Whatever number of rows a statement takes: every reading, in order, and its message's key with the first."""
    sent = [arrival(f"m{n}", reading(60.0 + n % 40), reading(20.0 + n % 9, vital="heart_rate")) for n in range(count)]
    assert append(db, *sent).stored == 2 * count
    assert values(db) == [value for one in sent for value in (r.value for r in one.message.readings)]
    keyed = db.execute(
        "select unit, message_key from reading_log where message_key is not null order by seq"
    ).fetchall()
    assert keyed == [(2 * n + 1, f"m{n}") for n in range(count)]
    assert append(db, *sent).duplicates == 2 * count


@pytest.mark.parametrize("name", ['"quoted"', "back\\slash", "żółć-\U0001f600", "[1,2]", "'); --"])
def test_ids_of_any_letters_are_still_known_after_a_merge(db: Connection, name: str) -> None:
    """The key leaves the memory for the index, and a repeat is a repeat before and after."""
    writer = LogWriter(db)
    writer.append([arrival(name, reading()), arrival(None, reading(91.0))], (), T0 + 900)
    assert writer.merge(2, 10) == 2
    assert writer.tail_size == 0
    again = writer.append([arrival(name, reading()), arrival(None, reading(91.0))], (), T0 + 950)
    assert (again.stored, again.duplicates) == (0, 2)


def test_what_is_appended_is_handed_on_once_it_is_committed(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a batch that failed, and after it the rows as the log has them."""
    fresh = Fresh()
    writer = LogWriter(db, fresh)
    with monkeypatch.context() as broken:
        broken.setattr(batch.Batch, "write", failing)
        with pytest.raises(OperationalError):
            writer.append([arrival("a", reading())], (), T0 + 900)
    assert fresh.after(0, 9) == []
    writer.append([arrival("b", reading(), reading(91.0))], (), T0 + 900)
    assert [row[0] for row in fresh.after(0, 9)] == [row[0] for row in readings.rows_after(db, 0, ALL)] == [1, 2]


def failing(_batch: batch.Batch) -> None:
    """Fail as a full disk does."""
    raise OperationalError("database or disk is full")


def refusal(vital: str, observed_ms: int = T0, sent: str = "999") -> Refused:
    """Build a refusal of something that was measured."""
    attempt = Attempt(vital=vital, observed_ms=observed_ms, sent=sent)
    return Refused(vital=vital, reason="value_impossible", detail=sent, index=0, attempt=attempt)


NOT_TRIED = Refused(vital="spo2", reason="time_invalid", detail="soon", index=0)


def test_an_attempt_has_its_place_in_the_log_and_no_place_among_the_readings(db: Connection) -> None:
    """Before the readings of its message, under the message's number, without a value; it is refused, not stored."""
    told = append(
        db,
        arrival("a", reading()),
        arrival("b", reading(94.0), refused=(NOT_TRIED, refusal("heart_rate"), refusal("spo2", T0 - 9))),
        arrival("c", refused=(refusal("heart_rate"),)),
    )
    assert told == Appended(stored=2, duplicates=0, refused=4, quarantined=0, last_seq=5)
    device, spo2, pulse = 1, 1, 2
    assert readings.rows_after(db, 0, ALL) == [
        (1, device, spo2, T0, 93.0, T0 + 500, 1),
        (2, device, pulse, T0, None, T0 + 500, 2),
        (3, device, spo2, T0 - 9, None, T0 + 500, 2),
        (4, device, spo2, T0, 94.0, T0 + 500, 2),
        (5, device, pulse, T0, None, T0 + 500, 5),
    ]
    assert [row[0] for row in readings.history(db, [device])] == [1, 4]
    assert readings.latest(db).keys() == {(device, spo2)}
    assert [row[0] for row in attempts.history(db, [device])] == [2, 3, 5]
    assert attempts.history(db, [device + 1]) == []
    assert attempts.numbers(db, 2, 4) == [3]


def test_an_attempt_refers_to_its_own_refusal(db: Connection) -> None:
    """Which says the reason, and holds the bytes; both are committed together or not at all."""
    append(db, arrival("a", refused=(NOT_TRIED, refusal("gcs", sent="16"), NOT_TRIED, refusal("spo2", sent="0 %"))))
    rows = db.execute("select attempt.sent, detail from attempt join quarantine using (quarantine_no) order by seq")
    assert rows.fetchall() == [("16", "16"), ("0 %", "0 %")]
    db.execute("create temp trigger cut before insert on attempt begin select raise(abort, 'cut'); end")
    with pytest.raises(DatabaseError, match="cut"):
        append(db, arrival("b", reading(), refused=(refusal("gcs"),)))
    assert db.execute("select count(*) from quarantine").fetchone() == (4,)
    assert [row[0] for row in readings.rows_after(db, 0, ALL)] == [1, 2]


def test_what_was_sent_is_found_by_stay_and_time(db: Connection) -> None:
    """Of several at one moment the first that came, whichever device brought it; not what another stay's device did."""
    append(db, arrival("a", refused=(refusal("spo2", sent="first"), refusal("gcs", sent="16"))))
    append(db, arrival("b", refused=(refusal("spo2", sent="second"),)))
    append(db, arrival("c", refused=(refusal("spo2", T0 + 1, "later"),), device="other"))
    db.execute("insert into stay values (7, 'P', 'w', 'g', '1', 0, null, null, 1, '', '')")
    db.execute("insert into stay values (8, 'Q', 'w', 'g', '1', 0, null, null, 1, '', '')")
    db.execute("insert into assignment values (1, 1, 7, 0, null), (2, 2, 8, 0, ?)", [T0])
    found = attempts.sent(db, [(7, T0), (7, T0 + 1), (8, T0), (8, T0 + 1)])
    assert found == {(7, "spo2", T0): "first", (7, "gcs", T0): "16"}


def test_attempts_go_with_the_days_that_are_dropped(db: Connection) -> None:
    """Those that have been merged past; what verify then asks of the log still holds."""
    writer = LogWriter(db)
    for day in range(3):
        at_ms = T0 + day * DAY
        said = arrival(f"m{day}", reading(observed_ms=at_ms), refused=(refusal("gcs", at_ms),))
        writer.append([said], (), T0)
    writer.merge(4, ALL)
    assert drop_days_before(db, T0 // DAY + 2) == 2
    assert attempts.numbers(db, 0, ALL) == [5]
    assert readings.rows_after(db, 4, ALL) == [
        (5, 1, 1, T0 + 2 * DAY, None, T0 + 500, 5),
        (6, 1, 2, T0 + 2 * DAY, 93.0, T0 + 500, 5),
    ]
    assert db.execute(RULES["every reading has one place in the log"]).fetchone() == (0,)


def test_the_newest_attempts_are_those_at_the_latest_time_of_their_series(db: Connection) -> None:
    """As far as a place in the log; whether or not they have been merged past."""
    said = [arrival(str(at), refused=(refusal("gcs", T0 + at), refusal("spo2", T0 - at))) for at in (1, 3, 3, 2)]
    for number, one in enumerate(said):
        append(
            db, Arrival(one.ward, one.device, one.topic, msgspec.structs.replace(one.message, id=f"m{number}"), T0, b"")
        )
    assert sorted(row[0] for row in attempts.newest(db, ALL)) == [2, 3, 5]
    merge(db, 5, ALL)
    assert sorted(row[0] for row in attempts.newest(db, 4)) == [2, 3]


def test_attempts_are_handed_on_in_their_places(db: Connection) -> None:
    """Who follows the log in this process meets the same rows as who reads it."""
    fresh = Fresh()
    writer = LogWriter(db, fresh)
    writer.append([arrival("a", reading(), reading(94.0))], (), T0)
    writer.append([arrival("b", reading(95.0), refused=(refusal("gcs"),)), arrival("c", reading(96.0))], (), T0)
    handed = [tuple(row[place] for place in AS_APPENDED) for row in fresh.after(0, 9)]
    read = [tuple(row[place] for place in AS_READ) for row in readings.rows_after(db, 0, ALL)]
    assert handed == read
    assert [row[4] for row in read] == [93.0, 94.0, None, 95.0, 96.0]


@pytest.mark.parametrize("merged", [0, 1, 3, 6])
def test_a_message_is_read_whole_with_its_attempts(db: Connection, merged: int) -> None:
    """However few rows are asked for, wherever the cut falls, and however much has been merged past."""
    some = (refusal("gcs"), refusal("spo2"))
    append(db, arrival("a", reading(), refused=some), arrival("b", refused=some), arrival("c", reading(94.0)))
    merge(db, merged, ALL)
    for limit, first in ((1, 3), (2, 3), (3, 3), (4, 5)):
        assert [row[0] for row in readings.rows_after(db, 0, limit)] == list(range(1, first + 1))
    assert [row[0] for row in readings.rows_after(db, 3, 1)] == [4, 5]
    assert [row[0] for row in readings.rows_after(db, 5, 1)] == [6]


def test_a_repeat_is_known_before_the_merge_after_it_and_after_a_start(db: Connection) -> None:
    """Also one of a message of which no reading was used; only the keys of what is not merged are in memory."""
    writer = LogWriter(db)
    nothing_used = arrival("r", refused=(Refused(vital="spo2", reason="value_impossible", detail="120", index=0),))
    came = [arrival("a", reading(), reading(92.0)), nothing_used, arrival(None, reading(91.0))]
    writer.append(came, (), T0 + 900)
    for merged, waiting in ((0, 2), (3, 0)):
        assert writer.merge(merged, 10) == merged
        for one in (writer, LogWriter(db)):
            again = one.append(came, (), T0 + 950)
            assert (again.stored, again.duplicates, again.refused) == (0, 4, 0)
            assert sum(len(device.tail) for device in one._remembered().devices.values()) == waiting
    assert db.execute("select count(*) from message where key = 'r'").fetchone() == (1,)
