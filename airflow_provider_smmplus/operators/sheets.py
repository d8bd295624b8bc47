"""Operators for sheets of orders: check, split, place, track and write back, each alone or all in one task."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators._base import FollowingOperator, airflow_errors
from airflow_provider_smmplus.operators._sheets import SheetOperator
from airflow_provider_smmplus.utils.arguments import truth_of
from airflow_provider_smmplus.utils.xcom import Json, states_object
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from smmplus.journal.journal import Journal


class SmmPlusCheckSheetOperator(SheetOperator):
    """Check and price a sheet, and send nothing. Fail with all problems in the log.

    The result has the number of rows, how many would be sent and for how much, the warnings, and the rows left out, so
    that a person can approve it. With its `fingerprint` as `expect_fingerprint`, a task that places or splits the sheet
    stops if anything differs from what was approved.
    """

    def execute(self, context: Context) -> Json:
        """Check."""
        with airflow_errors(), self.journal(context) as journal:
            return self.check(context, journal)


class SmmPlusSplitSheetOperator(SheetOperator):
    """Check a sheet, and split it into parts that mapped tasks place in parallel: `place.expand(keys=split.output)`.

    The parts are lists of journal keys. They are stored: a retry returns the same. Sends nothing.

    :param part_size: the most orders of a part
    """

    def __init__(self, *, part_size: int = 500, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.part_size = part_size

    def execute(self, context: Context) -> list[list[str]]:
        """Check and split."""
        from airflow_provider_smmplus.utils.log_listener import LogWatcher  # noqa: PLC0415
        from bulk.running.partitions import split  # noqa: PLC0415

        with airflow_errors(), self.journal(context) as journal, self.sheet() as sheet:
            options, panel = self.options(context, sheet), self.hook.settings.panel
            found = split(options, panel, journal, LogWatcher(self.log), size=self.part_size)
        if found.blocked:
            raise AirflowFailException(found.blocked)
        self.log.info("%d parts of at most %d orders", len(found.parts), self.part_size)
        return [list(part) for part in found.parts]


class SmmPlusPlaceSheetOperator(SheetOperator):
    """Place every row of a sheet once, and write the order ids into the results.

    A retry, a clear or a killed worker places nothing again: the task continues with what the journal knows.

    :param keys: a part that `SmmPlusSplitSheetOperator` returned: only its orders are placed, from the journal, and
        nothing is written. `SmmPlusWriteBackOperator` writes the results of all parts
    :param dry_run: check and price, and place nothing
    """

    template_fields: Sequence[str] = (*SheetOperator.template_fields, "keys", "dry_run")
    operator_extra_links = (SmmPlusOrdersLink(),)

    def __init__(self, *, keys: Sequence[str] | None = None, dry_run: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keys = keys
        # The base's method of this name is called nowhere in Airflow 3.
        self.dry_run = dry_run  # type: ignore[assignment,method-assign]

    def execute(self, context: Context) -> Json:
        """Place the sheet, or the part."""
        with airflow_errors(), self.journal(context) as journal:
            if truth_of(self.dry_run, "dry_run"):
                return self.check(context, journal)
            return self.place(context, journal) if self.keys is None else self._place_part(context, journal)

    def _place_part(self, context: Context, journal: "Journal") -> Json:
        from pathlib import Path  # noqa: PLC0415

        from airflow_provider_smmplus.utils.failures import must_be_placed  # noqa: PLC0415
        from airflow_provider_smmplus.utils.log_listener import LogWatcher, log_part  # noqa: PLC0415
        from airflow_provider_smmplus.utils.sheet_files import LocalSheet  # noqa: PLC0415
        from bulk.running.partitions import place_part  # noqa: PLC0415

        keys = list(self.keys or ())
        if self.expect_fingerprint is not None:
            raise ConfigurationError(
                "expect_fingerprint is for the whole sheet: pass it to the split, whose parts are placed as they are"
            )
        # A part that a template rendered as text, or all parts at once.
        if isinstance(self.keys, str) or not all(isinstance(key, str) for key in keys):
            raise ConfigurationError("keys is not one part: map over the parts with .expand(keys=split.output)")
        options = self.options(context, LocalSheet(Path(self.path), None, None))
        part = place_part(options, self.hook.settings.panel, journal, keys, LogWatcher(self.log))
        SmmPlusOrdersLink.persist(context, self.hook.settings.panel.url)
        log_part(self.log, part)
        must_be_placed(part.entries, part.progress.stop, part.progress.reason)
        return {"campaign": self.campaign, "sent": part.progress.sent, **states_object(part.entries)}


class SmmPlusWriteBackOperator(SheetOperator):
    """Write what the journal knows of a campaign into its sheet: IDs, statuses, charges. The panel is not called."""

    def execute(self, context: Context) -> Json:
        """Write."""
        with airflow_errors(), self.journal(context) as journal:
            return self.write_back(context, journal)


class SmmPlusTrackSheetOperator(FollowingOperator):
    """Wait until every order of a campaign is final, and write the statuses into the journal.

    The result counts the status words. `SmmPlusWriteBackOperator` writes them into the sheet.

    :param campaign: the campaign
    """

    template_fields: Sequence[str] = (*FollowingOperator.template_fields, "campaign")

    def __init__(self, *, campaign: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign

    def execute(self, context: Context) -> Json:
        """Wait, here or in the triggerer."""
        return self.wait_for(context, self.campaign)

    def execute_complete(self, context: Context, event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Return the final statuses of the orders."""
        return self.ended(self.campaign, self.ask_once(context, self.campaign), event)


class SmmPlusSheetOperator(FollowingOperator, SheetOperator):
    """Check a sheet, place every row once, wait until every order is final, and write the results back.

    A retry, a clear or a killed worker places nothing again: the task continues with what the journal knows.

    :param wait_for_completion: wait until every order is final; otherwise only the order IDs are written
    :param dry_run: check and price, and place nothing
    """

    template_fields: Sequence[str] = (*SheetOperator.template_fields, "dry_run")
    operator_extra_links = (SmmPlusOrdersLink(),)

    def __init__(self, *, wait_for_completion: bool = True, dry_run: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        # The base's method of this name is called nowhere in Airflow 3.
        self.dry_run = dry_run  # type: ignore[assignment,method-assign]

    def execute(self, context: Context) -> Json:
        """Place, and wait, here or in the triggerer."""
        with airflow_errors(), self.journal(context) as journal:
            if self.wait_for_completion:
                self.must_survive()
            if truth_of(self.dry_run, "dry_run"):
                return self.check(context, journal)
            placed = self.place(context, journal)
        return self.wait_for(context, self.campaign) if self.wait_for_completion else placed

    def execute_complete(self, context: Context, event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Write back what is known, however the wait ended, and return the statuses of the orders."""
        counts = self.ask_once(context, self.campaign)
        with airflow_errors(), self.journal(context) as journal:
            written = self.write_back(context, journal)
        return written | self.ended(self.campaign, counts, event)
