-- The fixed tables of the warehouse. Everything that follows from a form is made by tables.py; marts by dbt.
create schema if not exists ledger;
create schema if not exists raw;
create schema if not exists checked;
create schema if not exists quality;
create schema if not exists reference;
create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists criminal;
create schema if not exists civil;
create schema if not exists administrative;

create table if not exists ledger.submissions (
    seq bigint primary key,
    arrival_id text not null unique,
    received_at timestamptz not null,
    received_on date not null,
    received_at_local timestamp generated always as (received_at at time zone 'Asia/Almaty') stored,
    inbox_folder text not null,
    package_name text not null,
    package_sha256 text not null,
    archived jsonb not null,
    subject text,
    form text,
    form_version text,
    report_code text,
    period_from date,
    period_to date,
    sequence integer,
    nil_report boolean,
    prepared_at timestamptz,
    payload jsonb,
    records_declared bigint,
    rejection_code text,
    rejection_rule text,
    rejection_detail text,
    simulated boolean not null,
    prev_hash text not null,
    hash text not null unique
);
comment on table ledger.submissions is
'Every package ever received, one row each, chained by hash (Law 510 Art. 9(3), 11). Rows are never changed.';

-- Only packages that were not refused take an identity; a held one (R10, R26) takes it too.
create unique index if not exists submissions_identity on ledger.submissions
(subject, form, coalesce(report_code, ''), period_from, period_to, sequence)
where rejection_code is null or rejection_code in ('R10', 'R26');
create index if not exists submissions_form_day on ledger.submissions (form, received_on);

create table if not exists ledger.events (
    seq bigint primary key,
    at timestamptz not null,
    submission_seq bigint not null references ledger.submissions (seq),
    kind text not null,
    catalogue_version text,
    detail jsonb not null default '{}',
    prev_hash text not null,
    hash text not null unique
);
comment on table ledger.events is
'What happened to a submission, in order, chained by hash: registered, refused, held, released, resent, nil, '
'loaded, judged, reconciled, restated. Rows are never changed.';
create index if not exists events_submission on ledger.events (submission_seq, seq);
create index if not exists events_resent on ledger.events ((detail ->> 'arrival_id')) where kind = 'resent';

create or replace function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only (Law 510 Art. 11)', tg_table_schema, tg_table_name;
end $$;
create or replace trigger submissions_append_only before update or delete or truncate on ledger.submissions
for each statement execute function ledger.refuse_change();
create or replace trigger events_append_only before update or delete or truncate on ledger.events
for each statement execute function ledger.refuse_change();

create table if not exists ledger.progress (
    submission_seq bigint primary key references ledger.submissions (seq),
    state text not null,
    records_read bigint,
    records_unreadable bigint,
    judged_seq bigint,
    judged_at timestamptz,
    catalogue_version text
);
comment on table ledger.progress is
'Where each submission stands: the last of its events, kept for joining. '
'state: refused, held, nil, received, loaded, judged.';
create index if not exists progress_waiting on ledger.progress (state, submission_seq)
where state in ('received', 'loaded');
create index if not exists progress_judged on ledger.progress (judged_seq);

create table if not exists ledger.receipts (
    submission_seq bigint not null references ledger.submissions (seq),
    issue integer not null,
    event_seq bigint not null references ledger.events (seq),
    sha256 text not null,
    primary key (submission_seq, issue)
);
comment on table ledger.receipts is 'Which snapshots of a submission were answered, and up to which event.';

create table if not exists raw.unreadable (
    submission_seq bigint not null,
    line integer not null,
    received_on date not null,
    form text not null,
    reason text not null,
    content bytea not null,
    primary key (submission_seq, line)
);
comment on table raw.unreadable is 'Physical lines of which no record could be made (GEN-101), as they came.';

create table if not exists raw.standings (
    submission_seq bigint not null,
    line integer not null,
    form text not null,
    record_key text not null,
    live boolean not null,
    accepted boolean not null,
    retracts boolean not null,
    primary key (submission_seq, line)
);
comment on table raw.standings is
'How the versions of a record stood when the tallies were brought up last, for every key that was corrected, quarantined '
'or sent twice; any other judged record is live and accepted. retracts: an accepted version that annuls the record or '
'lowers its severity.';
create index if not exists standings_key on raw.standings (record_key);

create table if not exists quality.violations (
    submission_seq bigint not null,
    line integer not null,
    rule text not null,
    field text not null,
    severity text not null,
    found_seq bigint not null,
    cleared_seq bigint,
    primary key (submission_seq, line, rule, field)
);
comment on table quality.violations is
'Every rule a record breaks; open while cleared_seq is null. found_seq and cleared_seq are ledger events.';
create index if not exists violations_open_errors on quality.violations (submission_seq, line)
where severity = 'error' and cleared_seq is null;
create index if not exists violations_found on quality.violations (found_seq);
create index if not exists violations_cleared on quality.violations (cleared_seq) where cleared_seq is not null;

create table if not exists quality.findings (
    finding_id bigint generated always as identity primary key,
    submission_seq bigint,
    subject text,
    form text,
    period_from date,
    period_to date,
    rule text not null,
    severity text not null,
    found_seq bigint,
    cleared_seq bigint,
    detail jsonb not null default '{}',
    item text not null default '',
    found_at timestamptz,
    cleared_at timestamptz,
    catalogue_version text
);
comment on table quality.findings is
'What is wrong without a record to hold it: packages, calendar, series, reconciliation. '
'Of a package: found_seq and cleared_seq are ledger events. Of the calendar, series and reconciliation: found_at and '
'cleared_at, and item tells apart several findings of a rule about one subject, form and period.';
create index if not exists findings_submission on quality.findings (submission_seq);
create unique index if not exists findings_open on quality.findings
(rule, subject, form, period_from, period_to, item) nulls not distinct
where submission_seq is null and cleared_at is null;

create table if not exists quality.reconciliation (
    cell_id bigint generated always as identity primary key,
    submission_seq bigint not null,
    line integer,
    subject text not null,
    report_code text not null,
    period_start date not null,
    period_end date not null,
    is_cumulative boolean not null,
    territory text not null,
    article text,
    severity text,
    measure text not null,
    value_type text not null,
    reported numeric,
    recomputed numeric,
    difference numeric generated always as (reported - recomputed) stored,
    records bigint,
    unbalanced numeric,
    uncarried numeric,
    previous numeric,
    previous_seq bigint,
    corrected bigint,
    rules text[],
    unique (submission_seq, line)
);
comment on table quality.reconciliation is
'Every cell of a subject''s own report beside its figure computed from the subject''s records, as known when the report '
'was received. line is null for a cell that the records have and the report lacks; recomputed is null for a stock, '
'which follows from no record. unbalanced: stocks and flows; uncarried: against the stock of the neighbouring period; '
'previous: the same count in the report before, corrected: records corrected since. rules: those the cell breaks '
'(null: not reconciled to the end).';
create index if not exists reconciliation_report on quality.reconciliation
(subject, report_code, period_start, period_end, submission_seq);

create table if not exists quality.reconciliation_records (
    cell_id bigint not null references quality.reconciliation (cell_id) on delete cascade,
    form text not null,
    submission_seq bigint not null,
    line integer not null,
    standing text not null,
    primary key (cell_id, form, submission_seq, line, standing)
);
comment on table quality.reconciliation_records is
'The records behind a cell that differs. standing: counted; quarantined (it would count, were it accepted); changed '
'(it counted at the end of the period and was replaced or annulled before the report came); late (it came after the '
'report). At most as many of a standing as max_records of AGR-901 says.';

create table if not exists quality.tallies (
    tally text not null,
    form text not null,
    subject text not null,
    month date not null,
    counts jsonb not null,
    primary key (tally, form, subject, month)
);
comment on table quality.tallies is
'Counts of live records by subject and month, kept up every night; counts maps a code to a number. records, days (of the '
'event, the last of its month or another), codes (of a field, vague or told), points (in buckets), retractions (of the '
'records sent in the month), articles, outcomes (of decisions, by effect), decided (cases).';
create index if not exists tallies_month on quality.tallies (month, tally);

create table if not exists quality.device_days (
    form text not null,
    subject text not null,
    device_no text not null,
    day date not null,
    n bigint not null,
    primary key (subject, device_no, day, form)
);
comment on table quality.device_days is 'Days on which a recording device has live records, and how many.';
create index if not exists device_days_day on quality.device_days (day);

create table if not exists quality.closed_figures (
    form text not null,
    subject text not null,
    month date not null,
    figure text not null,
    value numeric not null,
    base numeric not null,
    n bigint not null,
    primary key (form, subject, month, figure)
);
comment on table quality.closed_figures is
'Headline figures of a subject as they stood after the first night on which their period was closed: registered, solved '
'(share), pending (what the month added). base: what an effect on the figure is a share of; n: how many it is made of.';

create table if not exists quality.plausibility (
    rule text not null,
    form text not null,
    subject text not null,
    period_from date not null,
    period_to date,
    item text not null default '',
    value numeric(20, 6) not null,
    lower numeric(20, 6),
    upper numeric(20, 6),
    n bigint not null,
    is_plausible boolean not null generated always as (
        (lower is null or value >= lower) and (upper is null or value <= upper)
    ) stored,
    measured_at timestamptz not null,
    catalogue_version text not null,
    primary key (rule, form, subject, period_from, item)
);
comment on table quality.plausibility is
'Every statistic that the rules of series (SER-8xx) look at, with the bounds within which it is plausible: one row a '
'rule, form, subject, period and item (a coded field, a headline figure, a device). n: months of history (SER-801, 802), '
'active days (SER-812), otherwise records. The newest measuring stands.';
create index if not exists plausibility_not on quality.plausibility (rule) where not is_plausible;
create index if not exists plausibility_measured on quality.plausibility (measured_at);

create table if not exists quality.measured_to (
    single boolean primary key default true check (single),
    event_seq bigint not null,
    months_to date not null
);
comment on table quality.measured_to is
'Up to which ledger event the tallies are brought up, and the last month that was measured as ended.';

create table if not exists quality.rules (
    catalogue_version text not null,
    rule text not null,
    form text not null,
    level text not null,
    dimension text not null,
    severity text not null,
    law_ref text not null,
    fields text not null,
    statement_en text not null,
    parameters jsonb not null,
    message_kk text not null,
    message_ru text not null,
    message_en text not null,
    valid_from date not null,
    valid_to date,
    source text not null,
    current boolean not null,
    primary key (catalogue_version, rule, form, valid_from)
);
comment on table quality.rules is 'The published rule catalogue, every version that ever judged; current marks the one in force.';

create or replace view quality.submissions as
with counted as (
    select
        submissions.seq as submission_seq,
        submissions.subject,
        submissions.form,
        submissions.period_from,
        submissions.period_to,
        submissions.sequence,
        submissions.received_at,
        submissions.received_on,
        progress.state,
        submissions.rejection_code,
        submissions.records_declared,
        progress.records_unreadable,
        case when progress.state = 'judged' then found.records_quarantined end as records_quarantined,
        case
            when progress.state = 'judged'
                then
                    progress.records_read - progress.records_unreadable - found.records_quarantined
        end as records_accepted,
        found.warnings + package_found.warnings as warnings,
        submissions.simulated,
        progress.catalogue_version
    from ledger.submissions
    inner join ledger.progress on submissions.seq = progress.submission_seq
    cross join lateral (
        select
            count(distinct line) filter (
                where severity = 'error' and cleared_seq is null and rule <> 'GEN-101'
            ) as records_quarantined,
            count(*) filter (where severity = 'warning' and cleared_seq is null) as warnings
        from quality.violations
        where violations.submission_seq = submissions.seq
    ) as found
    cross join lateral (
        select count(*) filter (where cleared_seq is null) as warnings
        from quality.findings
        where findings.submission_seq = submissions.seq
    ) as package_found
)

select
    submission_seq,
    subject,
    form,
    period_from,
    period_to,
    sequence,
    received_at,
    case
        when state in ('refused', 'held', 'nil') then state
        when state <> 'judged' then 'received'
        when records_accepted = 0 then 'quarantined'
        when records_quarantined + records_unreadable > 0 then 'partly_accepted'
        else 'accepted'
    end as verdict,
    rejection_code,
    records_declared,
    records_unreadable,
    records_quarantined,
    records_accepted,
    warnings,
    received_on,
    simulated,
    catalogue_version
from counted;
comment on view quality.submissions is
'One row a package: its verdict and current counts. records_declared = unreadable + quarantined + accepted once judged.';
