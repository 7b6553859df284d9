"""A process that runs nights and is killed: it forks one child a night, so that imports are paid once.

Speaks lines over stdin and stdout: ``<clock>`` begins a night in a child and answers ``started <pid>``;
when the child has ended it answers ``ended <status>``. Keep out what is asserted (``test_crash``).
"""

import os
import sys
import traceback
from datetime import datetime

import great_expectations  # noqa: F401 - 4 to 10 s that every child would pay

from expectations import completeness, judgement, links, notice, plausibility, receipt, reconciliation
from ingestion import intake, ledger, load, warehouse
from ingestion.contract import load_catalogue


def night(moment: datetime) -> None:
    catalogue, home = load_catalogue(), warehouse.home()
    with warehouse.connect(autocommit=True) as connection:
        intake.receive(connection, catalogue, home, lambda: moment, simulated=True)
        for form in catalogue.forms.values():
            load.load(connection, catalogue, form, home, moment.date(), moment)
            judgement.judge(connection, warehouse.sqlalchemy_url(), catalogue, form, moment.date(), moment)
        url = warehouse.sqlalchemy_url()
        links.judge(connection, url, catalogue, moment)
        reconciliation.reconcile(connection, url, catalogue, moment.date(), moment)
        completeness.watch(connection, url, catalogue, moment)
        plausibility.measure(connection, url, catalogue, moment)
        receipt.issue_due(connection, catalogue, home)
        notice.issue_due(connection, catalogue, home)
        ledger.write_checkpoint(connection, home / "checkpoints", moment.date())
        intake.clear(connection, home)


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


for line in sys.stdin:
    child = os.fork()
    if not child:
        status = 1
        try:
            night(datetime.fromisoformat(line.strip()))
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    say("started", child)
    say("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
