with versions as (
    {{ versions_of_records(ref('stg_administrative_offence')) }}
)

select * from versions
