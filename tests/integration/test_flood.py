"""One device that sends a thousand messages a second, and the patient beside it."""

from pathlib import Path

import pytest

from devices.client import Hub
from devices.simulator.fleet import Fleet
from tests.faults import ward
from tests.faults.daemon import running_daemon
from tests.faults.rows.clocks import DAY, SECOND
from tests.faults.rows.load import GIVEN_UP_S, Crowd, Sending, live
from tests.integration.broker import LOOPBACK, running_broker, wait_until
from vwmon.clock import Clock

FLOODING, BESIDE = "sim-001", "sim-002"
A_SECOND, READINGS = 1000, 3


@pytest.mark.hazard("T9")
def test_one_devices_flood_does_not_hold_another_patient_up(tmp_path: Path) -> None:
    """Each reading beside it is scored while it goes on, and of the flood itself nothing is lost."""
    devices, start_ms = Fleet(patients=2, seed=3, spot_minutes=1), Clock().now_ms() - DAY
    path = tmp_path / "vwmon.db"
    ward.make(path, start_ms, devices)
    said = devices.messages(start_ms, step_ms=SECOND)
    flood = Crowd(backlog=[], flood=(one for one in said if one.device == FLOODING))
    with (
        running_broker(tmp_path, more="set_tcp_nodelay true") as broker,
        running_daemon(tmp_path, broker.port) as daemon,
        Hub(LOOPBACK, broker.port, ward.WARD, tmp_path / "live", client_id="live") as hub,
    ):
        wait_until(daemon.connected, "the daemon has its broker")
        sending = Sending(flood, broker.port, tmp_path, A_SECOND)
        given: list[int] = []
        for wait_s in live(hub, path, READINGS, BESIDE):
            assert wait_s < GIVEN_UP_S, "a reading beside the flood was not scored"
            wait_until(lambda: len(sending.given) > (given[-1] if given else 0), "the flood goes on")
            given.append(len(sending.given))
        assert len(given) == READINGS
        assert sending.end()
    assert len(sending.given) >= READINGS * A_SECOND
    assert ward.missing(path, sending.given) == 0
