with versions as (
    {{ versions_of_records(ref('stg_criminal_offence')) }}
)

select * from versions
