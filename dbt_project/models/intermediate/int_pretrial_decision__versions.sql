with versions as (
    {{ versions_of_records(ref('stg_pretrial_decision')) }}
)

select * from versions
