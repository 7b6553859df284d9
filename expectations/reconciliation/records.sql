-- The records behind the cells that differ, by how they stand to the report.
insert into quality.reconciliation_records (cell_id, form, submission_seq, line, standing)
select
    cell_id,
    %(form)s,
    submission_seq,
    line,
    %(standing)s
from (
    select
        cell.cell_id,
        counted.submission_seq,
        counted.line,
        row_number() over (partition by cell.cell_id order by counted.submission_seq, counted.line) as place
    from (
{sql}
    ) as counted
    inner join report on counted.report = report.report and report.report_code = any(%(report_codes)s)
    {rolled_up}
    inner join quality.reconciliation as cell
        on
            report.submission_seq = cell.submission_seq
            and report.body = cell.subject
            and report.period_start = cell.period_start
            and report.period_end = cell.period_end
            and cell.measure = %(measure)s
            and place.territory = cell.territory
            and coalesce(law.article, '') = coalesce(cell.article, '')
            and coalesce(grade.severity, '') = coalesce(cell.severity, '')
    where cell.reported is distinct from cell.recomputed
) as candidate
where place <= %(max_records)s
