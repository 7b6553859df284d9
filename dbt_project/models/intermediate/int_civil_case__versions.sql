with versions as (
    {{ versions_of_records(ref('stg_civil_case')) }}
)

select * from versions
