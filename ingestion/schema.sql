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
    hash text not null unique,
    withdraws integer
);
-- A database from before packages could be withdrawn gains their columns; one that has them is not locked.
do $$
begin
    if not exists (
        select from information_schema.columns
        where table_schema = 'ledger' and table_name = 'submissions' and column_name = 'withdraws'
    ) then
        alter table ledger.submissions add column withdraws integer;
    end if;
end $$;
comment on table ledger.submissions is
'Every package ever received, one row each, chained by hash (Law 510 Art. 9(3), 11). Rows are never changed. '
'withdraws: the sequence of the package of the same series that this one withdraws.';

-- Only packages that were not refused take an identity; a held one (R10, R26) takes it too, unless it is a withdrawal
-- held for a gap: that may be refused once the gap is filled, and intake alone keeps its number meanwhile.
create unique index if not exists submissions_identities on ledger.submissions
(subject, form, coalesce(report_code, ''), period_from, period_to, sequence)
where rejection_code is null or rejection_code = 'R10' or (rejection_code = 'R26' and withdraws is null);
drop index if exists ledger.submissions_identity;
create index if not exists submissions_form_day on ledger.submissions (form, received_on);
create index if not exists submissions_period on ledger.submissions (subject, form, period_from, period_to);

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
'loaded, judged, reconciled, restated, withdrawal, withdrawn. Rows are never changed.';
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
    catalogue_version text,
    withdrawn_by bigint references ledger.submissions (seq),
    withdrawn_seq bigint,
    rejection_code text,
    rejection_rule text,
    rejection_detail text
);
do $$
begin
    if not exists (
        select from information_schema.columns
        where table_schema = 'ledger' and table_name = 'progress' and column_name = 'withdrawn_seq'
    ) then
        alter table ledger.progress
        add column withdrawn_by bigint references ledger.submissions (seq),
        add column withdrawn_seq bigint,
        add column rejection_code text,
        add column rejection_rule text,
        add column rejection_detail text;
    end if;
end $$;
comment on table ledger.progress is
'Where each submission stands: the last of its events, kept for joining. '
'state: refused, held, nil, received, loaded, judged, withdrawal (it withdrew another), withdrawn (by the submission '
'withdrawn_by, with the event withdrawn_seq; it is judged no longer). rejection_*: why a held one was refused in the end.';
create index if not exists progress_waiting on ledger.progress (state, submission_seq)
where state in ('received', 'loaded');
create index if not exists progress_judged on ledger.progress (judged_seq);
create index if not exists progress_withdrawn on ledger.progress (withdrawn_seq) where withdrawn_seq is not null;

create table if not exists ledger.receipts (
    submission_seq bigint not null references ledger.submissions (seq),
    issue integer not null,
    event_seq bigint not null references ledger.events (seq),
    sha256 text not null,
    primary key (submission_seq, issue)
);
create index if not exists receipts_event on ledger.receipts (event_seq);
comment on table ledger.receipts is 'Which snapshots of a submission were answered, and up to which event.';

create table if not exists ledger.notices (
    subject text not null,
    issue integer not null,
    answered_at timestamptz,
    findings bigint [] not null,
    sha256 text not null,
    primary key (subject, issue)
);
comment on table ledger.notices is
'Which snapshots of its open findings without a package a subject was told. A notice is due when they have changed.';

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
    escalated_seq bigint,
    primary key (submission_seq, line, rule, field)
);
alter table quality.violations add column if not exists escalated_seq bigint;
comment on table quality.violations is
'Every rule a record breaks; open while cleared_seq is null. found_seq, cleared_seq and escalated_seq (a warning that '
'became an error) are ledger events.';
create index if not exists violations_open_errors on quality.violations (submission_seq, line)
where severity = 'error' and cleared_seq is null;
create index if not exists violations_found on quality.violations (found_seq);
create index if not exists violations_cleared on quality.violations (cleared_seq) where cleared_seq is not null;
create index if not exists violations_escalated on quality.violations (escalated_seq) where escalated_seq is not null;

create table if not exists quality.unmet_links (
    submission_seq bigint not null,
    line integer not null,
    rule text not null,
    field text not null,
    severity text,
    begins_on date,
    escalates_on date,
    changes_on date,
    owed_by text,
    primary key (submission_seq, line, rule, field)
);
comment on table quality.unmet_links is
'What a record now lacks of the records it must agree with (rules between forms), also while it is no violation yet. '
'severity: as it stands today, null until begins_on; escalates_on: when the warning becomes an error; changes_on: the '
'next day that changes it by itself; owed_by: the body that owes what is missing.';
create index if not exists unmet_links_due on quality.unmet_links (changes_on) where changes_on is not null;

create table if not exists ledger.linked (
    one boolean primary key default true check (one),
    event_seq bigint not null
);
comment on table ledger.linked is 'Up to which ledger event the rules between forms have been judged.';

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

create table if not exists quality.calendar (
    cell_id bigint generated always as identity primary key,
    subject text not null,
    region text not null,
    form text not null,
    report_code text,
    period text not null,
    period_from date not null,
    period_to date not null,
    month date not null generated always as (date_trunc('month', period_to::timestamp)::date) stored,
    deadline_at timestamptz not null,
    working_days boolean not null,
    nil_required boolean not null,
    is_watched boolean not null,
    catalogue_version text not null,
    generated_at timestamptz not null,
    state text not null default 'expected' check (
        state in ('expected', 'received', 'nil', 'late', 'missing', 'refused', 'held')
    ),
    has_records boolean,
    first_received_at timestamptz,
    hours_late numeric(12, 2),
    packages integer not null default 0,
    packages_refused integer not null default 0,
    packages_held integer not null default 0,
    changed_in bigint not null,
    -- In the order in which cells are laid down: a new one goes to the end, not to a page of its subject.
    unique nulls not distinct (form, period_from, subject, period_to, report_code)
);
comment on table quality.calendar is
'What each subject owed by when (one row a subject, form, report and period), generated ahead, and what came of it. '
'deadline_at: the last moment in time. is_watched: due after the form went live. state: expected (not due yet), '
'received, nil, late, missing, refused or held (due, and nothing else came); has_records: answered by records, not by '
'nil reports alone. first_received_at: the first package that is neither refused nor held. hours_late: of working days '
'where the regulation counts these. changed_in: the look (quality.calendar_looks) that last changed the row.';
create index if not exists calendar_unanswered on quality.calendar (state, deadline_at)
where state in ('expected', 'missing', 'refused', 'held');
-- Cells come in the order of time: a summary of blocks finds a month, and costs a new cell nothing.
create index if not exists calendar_months on quality.calendar using brin (month) with (pages_per_range = 16);
create index if not exists calendar_changed on quality.calendar (changed_in);

create table if not exists quality.calendar_looks (
    look bigint primary key,
    at timestamptz not null,
    up_to_seq bigint not null,
    catalogue_version text not null,
    is_settled boolean not null default false
);
comment on table quality.calendar_looks is
'Each look at the calendar that found something new: up to which ledger event, by which catalogue, and whether its '
'findings are written down.';

create table if not exists quality.calendar_changes (
    look bigint not null,
    change text not null,
    subject text not null,
    form text not null,
    report_code text,
    period_from date not null,
    period_to date not null,
    deadline_before timestamptz,
    deadline_after timestamptz,
    unique nulls not distinct (look, subject, form, period_from, period_to, report_code)
);
comment on table quality.calendar_changes is
'What a changed catalogue changed in cells generated before: added, amended or withdrawn; only cells not due yet.';

create table if not exists quality.calendar_measures (
    line bigint generated always as identity primary key,
    rule text not null,
    subject text not null,
    form text not null,
    period_from date,
    period_to date,
    item text not null default '',
    records bigint,
    median numeric,
    days integer
);
comment on table quality.calendar_measures is
'What the last look measured for rules that are not about a cell: records in a period reported as nil (CAL-704), '
'records of a day and the median of its weekday in the month (CAL-706), quarantined records of a package and days '
'since (CAL-707), numbers missing in a sequence and days since (CRO-502).';

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
comment on table quality.rules is
'The published rule catalogue: every version of every rule, in every version of the catalogue that ever judged. '
'where current: the catalogue in force now; add valid_from and valid_to for the rules of a day.';
comment on column quality.rules.catalogue_version is
'Declared version and digest of the catalogue, as judgements name it in quality.submissions';
comment on column quality.rules.rule is
'Number of the rule: 1xx structure, 2xx mandatory, 3xx value, 4xx between fields, 5xx within a package, 6xx between '
'forms, 7xx calendar, 8xx series, 9xx reports';
comment on column quality.rules.form is 'One form, several joined by |, or * for all';
comment on column quality.rules.level is 'What it judges: file, row, cross_form, calendar or series';
comment on column quality.rules.dimension is
'Quality dimension, words of Law 510 Art. 4(2)(2), 8(2)(2); named in three languages in reference.quality_dimension';
comment on column quality.rules.severity is
'refuse: the package is not taken; error: the record is quarantined; warning: let through and reported';
comment on column quality.rules.law_ref is 'Article it serves';
comment on column quality.rules.fields is 'Fields it is about, joined by |; a violation is reported at the first';
comment on column quality.rules.statement_en is 'What must hold, in English';
comment on column quality.rules.parameters is 'Thresholds and options of this version';
comment on column quality.rules.message_kk is 'What to do when it is broken | kk';
comment on column quality.rules.message_ru is 'What to do when it is broken | ru';
comment on column quality.rules.message_en is 'What to do when it is broken | en';
comment on column quality.rules.valid_from is 'First day of this version';
comment on column quality.rules.valid_to is 'Last day of this version; empty: without end';
comment on column quality.rules.source is 'Where it comes from: found, derived, demonstration';
comment on column quality.rules.current is 'Whether it stands in the catalogue in force now';

create or replace view quality.missing_links as
select
    submissions.form,
    unmet_links.submission_seq,
    unmet_links.line,
    unmet_links.rule,
    submissions.subject as sent_by,
    unmet_links.owed_by,
    (events.at at time zone 'Asia/Almaty')::date as since,
    unmet_links.escalates_on,
    violations.severity = 'error' as escalated
from quality.unmet_links
inner join quality.violations using (submission_seq, line, rule, field)
inner join ledger.submissions
    on unmet_links.submission_seq = submissions.seq
inner join ledger.events on violations.found_seq = events.seq
where
    unmet_links.owed_by is not null
    and violations.cleared_seq is null;
comment on view quality.missing_links is
'Every open violation for want of another record: which body owes it, since which day it was missed, and on which day '
'the warning becomes an error (empty: never). owed_by is the sender where the body that owes cannot be told.';

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
        coalesce(progress.rejection_code, submissions.rejection_code) as rejection_code,
        submissions.records_declared,
        case when progress.state <> 'withdrawn' then progress.records_unreadable end as records_unreadable,
        case when progress.state in ('judged', 'withdrawal') then found.records_quarantined end as records_quarantined,
        case
            when progress.state in ('judged', 'withdrawal')
                then
                    progress.records_read - progress.records_unreadable - found.records_quarantined
        end as records_accepted,
        found.warnings + package_found.warnings as warnings,
        submissions.simulated,
        progress.catalogue_version,
        submissions.withdraws,
        progress.withdrawn_by
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
        when state in ('refused', 'held', 'nil', 'withdrawn') then state
        when state = 'withdrawal' then 'accepted'
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
    catalogue_version,
    withdraws,
    withdrawn_by
from counted;
comment on view quality.submissions is
'One row a package: its verdict and current counts. records_declared = unreadable + quarantined + accepted once judged. '
'withdraws: the sequence of the same series that this package withdraws (accepted, without records); withdrawn_by: the '
'submission that withdrew this one (withdrawn: what it held counts nowhere).';
