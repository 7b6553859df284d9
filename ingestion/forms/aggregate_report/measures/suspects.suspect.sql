select
    suspect.report,
    coalesce(district.code, substr(suspect.erdr_number, 3, 2) || '0000000') as territory,
    suspect.article,
    null as severity,
    1 as value,
    suspect.submission_seq,
    suspect.line
from live_suspect as suspect
left join reference.district as district on substr(suspect.erdr_number, 3, 4) = district.kato4
where suspect.status_date between suspect.period_start and suspect.period_end
