-- Points that people entered, in so many buckets that a point with a large share makes its bucket stand out. A recording
-- device stands where it stands: what it recorded is left out.
select
    subject,
    date_trunc('month', {registered})::date as month,
    ((hashtextextended(round(latitude, 5) || ' ' || round(longitude, 5), 0) & 9223372036854775807) %% %(buckets)s)::text as code,
    sum(live) as n
from changed
where latitude is not null and longitude is not null and {by_hand}
group by 1, 2, 3
