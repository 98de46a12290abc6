"""Tell sinks what waits in the outbox: after the commit, at least once, and never more often than they bear."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from leeway.findings import Finding
from leeway.modes.directory import Directory
from leeway.modes.report import Deliveries
from leeway.sinks import Answer, Delivery, Outlet, Parcel, Receipt, Told
from leeway.sinks.outbox import failed, refused, revived

NOT_GIVEN = "a sink that was not given"
"""Shown for one that an earlier run was given: its address is not stored."""


def deliver(
    directory: Directory, outlets: Mapping[str, Outlet], now: datetime, *, revive: bool = False, at_once: bool = False
) -> Deliveries:
    """Send what is due to the outlets, by their recipients' keys; what fails stays for another run.

    An outlet that fails is left alone for the rest of the run. With `at_once` what is not due yet is sent as well: a
    person who asks has mended something. With `revive` dead deliveries are tried again.
    """
    done = Deliveries()
    ordered = sorted(directory.deliveries(), key=lambda one: one.sink)
    parcels = _parcels(directory.findings(), ordered) if ordered else {}
    for key, rows in groupby(ordered, key=lambda one: one.sink):
        waiting = [revived(one) if revive and one.is_dead and key in outlets else one for one in rows]
        outlet = outlets.get(key)
        if outlet is not None:
            due = [one for one in waiting if not one.is_dead and (at_once or one.due is None or one.due <= now)]
            done.sent += _Round(directory, outlet, parcels, now).run(due)
    _count(done, directory.deliveries(), outlets, now)
    return done


def _parcels(findings: Sequence[Finding], waiting: Sequence[Delivery]) -> dict[str, Parcel]:
    """Return, by delivery, what is to be sent: the finding as it is now and the days of its case up to its own."""
    days: dict[str, set[int]] = {}
    for one in findings:
        days.setdefault(one.case_id, set()).add(one.day.toordinal())
    known = {one.finding_id: one for one in findings}
    return {
        one.id: Parcel(
            known[one.finding_id],
            Told(one.activity, sum(day <= one.day for day in days[one.case_id]), one.id),
        )
        for one in waiting
        if one.finding_id in known
    }


class _Round:
    """One run's deliveries to one outlet."""

    def __init__(self, directory: Directory, outlet: Outlet, parcels: Mapping[str, Parcel], now: datetime) -> None:
        self._directory = directory
        self._outlet = outlet
        self._parcels = parcels
        self._now = now

    def run(self, due: Sequence[Delivery]) -> int:
        """Send what is due, portion by portion, until one fails; return how many deliveries were taken."""
        rows = {one.id: one for one in due if one.id in self._parcels}
        sent = 0
        for portion in self._outlet.batches([self._parcels[one] for one in rows]):
            taken, goes_on = self._send([rows[one.told.delivery] for one in portion])
            sent += taken
            if not goes_on:
                break
        return sent

    def _send(self, rows: Sequence[Delivery]) -> tuple[int, bool]:
        """Send one portion; return how many were taken, and whether the outlet can be sent more."""
        receipt = self._outlet.send([self._parcels[one.id] for one in rows])
        if receipt.answer is Answer.SPLIT and len(rows) > 1:
            return self._one_by_one(rows)
        self._settle(rows, receipt)
        return len(rows) if receipt.answer is Answer.SENT else 0, receipt.answer is not Answer.LATER

    def _one_by_one(self, rows: Sequence[Delivery]) -> tuple[int, bool]:
        sent = 0
        for row in rows:
            taken, goes_on = self._send([row])
            sent += taken
            if not goes_on:
                return sent, False
        return sent, True

    def _settle(self, rows: Sequence[Delivery], receipt: Receipt) -> None:
        if receipt.answer is Answer.SENT:
            self._directory.settle([one.id for one in rows], ())
        elif receipt.answer is Answer.LATER:
            self._directory.settle((), [failed(one, receipt.reason, self._now, receipt.wait) for one in rows])
        else:
            self._directory.settle((), [refused(one, receipt.reason) for one in rows])


def _count(done: Deliveries, left: Sequence[Delivery], outlets: Mapping[str, Outlet], now: datetime) -> None:
    reasons: Counter[str] = Counter()
    for one in left:
        outlet = outlets.get(one.sink)
        reason = f"{outlet.label}: {one.reason or 'not tried yet'}" if outlet else NOT_GIVEN
        done.dead += one.is_dead
        done.waiting += not one.is_dead
        reasons[reason] += 1
        # Of a sink that was not given nothing can be said: no run may be given it again.
        if outlet and not one.is_dead and one.due is not None and one.due > now:
            done.due[reason] = min(one.due, done.due.get(reason, one.due))
    done.reasons = dict(reasons)
