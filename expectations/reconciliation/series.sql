-- What the same body had stated in the same report by then, for this period and those that touch it.
create temporary table stated on commit drop as
select
    report.report,
    cell.submission_seq,
    cell.period_start,
    cell.period_end,
    cell.is_cumulative,
    cell.measure,
    cell.territory,
    coalesce(cell.criminal_article, cell.administrative_article, '') as article,
    coalesce(cell.severity, '') as severity,
    cell.value
from report
inner join raw.aggregate_report as cell
    on
        report.body = cell.body
        and report.report_code = cell.report_code
        and report.period_start - 1 <= cell.period_end
        and report.period_end + 1 >= cell.period_start
inner join ledger.submissions as sent on cell.submission_seq = sent.seq
inner join ledger.progress as progress on cell.submission_seq = progress.submission_seq
left join superseded_aggregate_report as later
    on cell.submission_seq = later.submission_seq and cell.line = later.line
where
    cell.action <> 'D'
    and progress.judged_seq is not null
    and sent.received_at <= report.received_at
    and (later.superseded_at is null or later.superseded_at > report.received_at)
    and {stands_of_cell};

create temporary table cell on commit drop as
select
    report.report,
    reconciled.cell_id,
    reconciled.period_start,
    reconciled.period_end,
    reconciled.is_cumulative,
    reconciled.measure,
    reconciled.value_type,
    reconciled.territory,
    coalesce(reconciled.article, '') as article,
    coalesce(reconciled.severity, '') as severity,
    reconciled.reported
from report
inner join quality.reconciliation as reconciled
    on
        report.submission_seq = reconciled.submission_seq
        and report.body = reconciled.subject
        and report.report_code = reconciled.report_code
        and report.period_start = reconciled.period_start
        and report.period_end = reconciled.period_end
where reconciled.line is not null;

-- Stock and flows of a period: what is left over is put down to the last of the four cells that this submission states.
with balance as (
    select
        stated.report,
        stated.territory,
        stated.article,
        stated.severity,
        sum(case when stated.measure = any(%(adds)s) then stated.value else -stated.value end) as unbalanced
    from stated
    inner join report
        on
            stated.report = report.report
            and stated.period_start = report.period_start
            and stated.period_end = report.period_end
    where stated.measure = any(%(flows)s)
    group by 1, 2, 3, 4
    having count(*) = 4
),

last_of_four as (
    select distinct on (report, territory, article, severity)
        cell_id,
        report,
        territory,
        article,
        severity
    from cell
    where measure = any(%(flows)s)
    order by report, territory, article, severity, array_position(%(flows)s, measure) desc
)

update quality.reconciliation as reconciled
set unbalanced = balance.unbalanced
from last_of_four
inner join balance
    on
        last_of_four.report = balance.report
        and last_of_four.territory = balance.territory
        and last_of_four.article = balance.article
        and last_of_four.severity = balance.severity
where reconciled.cell_id = last_of_four.cell_id;

-- The stock at the end of a period is the stock at the start of the next, whichever of the two reports came last.
update quality.reconciliation as reconciled
set uncarried = cell.reported - neighbour.value
from cell
inner join stated as neighbour
    on
        cell.report = neighbour.report
        and cell.territory = neighbour.territory
        and cell.article = neighbour.article
        and cell.severity = neighbour.severity
        and (
            (
                cell.measure = 'pending_start'
                and neighbour.measure = 'pending_end'
                and neighbour.period_end = cell.period_start - 1
            )
            or (
                cell.measure = 'pending_end'
                and neighbour.measure = 'pending_start'
                and neighbour.period_start = cell.period_end + 1
            )
        )
where reconciled.cell_id = cell.cell_id;

-- The same count in the latest earlier report of the same year.
update quality.reconciliation as reconciled
set
    previous = earlier.value,
    previous_seq = earlier.submission_seq
from (
    select distinct on (cell.cell_id)
        cell.cell_id,
        stated.value,
        stated.submission_seq
    from cell
    inner join stated
        on
            cell.report = stated.report
            and cell.measure = stated.measure
            and cell.territory = stated.territory
            and cell.article = stated.article
            and cell.severity = stated.severity
            and cell.period_start = stated.period_start
            and cell.period_end > stated.period_end
    where
        cell.is_cumulative
        and stated.is_cumulative
        and cell.value_type = 'integer'
        and cell.measure <> all(%(not_monotone)s)
    order by cell.cell_id, stated.period_end desc
) as earlier
where reconciled.cell_id = earlier.cell_id
