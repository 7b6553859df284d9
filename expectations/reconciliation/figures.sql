-- What a measure counts, added up for every cell it can stand in: the whole territory, region and district, with and
-- without article and severity.
insert into figure
select
    counted.report,
    %(measure)s,
    place.territory,
    law.article,
    grade.severity,
    sum(counted.value),
    sum(counted.records)
from (
    select
        report,
        territory,
        article,
        severity,
        sum(value) as value,
        count(*) as records
    from (
{sql}
    ) as thing
    group by 1, 2, 3, 4
) as counted
inner join report on counted.report = report.report and report.report_code = any(%(report_codes)s)
{rolled_up}
group by 1, 2, 3, 4, 5
