-- The cells of a report that were sent by the time of its receipt, whichever package they came in, accepted or not.
create temporary table present on commit drop as
select distinct
    report.report,
    cell.measure,
    cell.territory,
    coalesce(cell.criminal_article, cell.administrative_article) as article,
    cell.severity
from report
inner join raw.aggregate_report as cell
    on
        report.body = cell.body
        and report.report_code = cell.report_code
        and report.period_start = cell.period_start
        and report.period_end = cell.period_end
inner join ledger.submissions as sent on cell.submission_seq = sent.seq
inner join ledger.progress as progress on cell.submission_seq = progress.submission_seq
left join superseded_aggregate_report as later
    on cell.submission_seq = later.submission_seq and cell.line = later.line
where
    cell.action <> 'D'
    and progress.judged_seq is not null
    and sent.received_at <= report.received_at
    and (later.superseded_at is null or later.superseded_at > report.received_at);

insert into quality.reconciliation (
    submission_seq, line, subject, report_code, period_start, period_end, is_cumulative,
    territory, article, severity, measure, value_type, reported, recomputed, records
)
select
    cell.submission_seq,
    cell.line,
    cell.body,
    cell.report_code,
    cell.period_start,
    cell.period_end,
    cell.is_cumulative,
    cell.territory,
    coalesce(cell.criminal_article, cell.administrative_article),
    cell.severity,
    cell.measure,
    measure.value_type,
    cell.value,
    case when measure.form is not null then coalesce(figure.value, 0) end,
    case when measure.form is not null then coalesce(figure.records, 0) end
from report
inner join raw.aggregate_report as cell
    on
        report.submission_seq = cell.submission_seq
        and report.body = cell.body
        and report.report_code = cell.report_code
        and report.period_start = cell.period_start
        and report.period_end = cell.period_end
inner join measure on cell.measure = measure.measure and cell.report_code = measure.report_code
left join figure
    on
        report.report = figure.report
        and cell.measure = figure.measure
        and cell.territory = figure.territory
        and coalesce(cell.criminal_article, cell.administrative_article, '') = coalesce(figure.article, '')
        and coalesce(cell.severity, '') = coalesce(figure.severity, '')
where
    cell.action <> 'D'
    and {sound_cell};

-- A report that breaks a measure down does so for every cell of that breakdown; one that is silent owes the total.
with breakdown as (
    select distinct
        report,
        measure,
        territory = '000000000' as is_whole,
        right(territory, 7) = '0000000' as is_region,
        article is not null as has_article,
        severity is not null as has_severity
    from present
    union all
    select
        report.report,
        measure.measure,
        true,
        true,
        false,
        false
    from report
    inner join measure on report.report_code = measure.report_code
    where not exists (
        select from present
        where present.report = report.report and present.measure = measure.measure
    )
)

insert into quality.reconciliation (
    submission_seq, line, subject, report_code, period_start, period_end, is_cumulative,
    territory, article, severity, measure, value_type, reported, recomputed, records
)
select
    report.submission_seq,
    null,
    report.body,
    report.report_code,
    report.period_start,
    report.period_end,
    report.is_cumulative,
    figure.territory,
    figure.article,
    figure.severity,
    figure.measure,
    measure.value_type,
    null,
    figure.value,
    figure.records
from figure
inner join report on figure.report = report.report
inner join measure on figure.measure = measure.measure and report.report_code = measure.report_code
inner join breakdown
    on
        figure.report = breakdown.report
        and figure.measure = breakdown.measure
        and (figure.territory = '000000000') = breakdown.is_whole
        and (right(figure.territory, 7) = '0000000') = breakdown.is_region
        and (figure.article is not null) = breakdown.has_article
        and (figure.severity is not null) = breakdown.has_severity
where
    figure.value <> 0
    and not exists (
        select from present
        where
            present.report = figure.report
            and present.measure = figure.measure
            and present.territory = figure.territory
            and coalesce(present.article, '') = coalesce(figure.article, '')
            and coalesce(present.severity, '') = coalesce(figure.severity, '')
    )
