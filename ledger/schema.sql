-- The schema of the ledger, as it is now. ledger/setup.py applies it to an empty database, as the owner, and runs the
-- files of vault, projections and accounts after it. Before the first release this file is edited in place.
--
-- Protection: no role but the owner may insert, update or delete here, the tree excepted; thidua_app appends by
-- ledger.append, which runs with the owner's rights. Triggers refuse changes by the owner, too.
--
-- Error codes: TD001 a recorded row would be changed; TD002 another writer epoch; TD003 appends are stopped because of
-- the clock; TD004 an event carries a lower law than the one in force; TD005 a body is not of its stream and version;
-- TD006 an event carries a higher law that no event has put in force.

-- Roles belong to the server, not to the database: another database of the same server may have made them, even at the
-- same moment. They get their passwords from ledger/setup.py.
do $$
declare
    name text;
begin
    foreach name in array array[
        'thidua_app',    -- the worker and the command line
        'thidua_reader', -- verification and reports
        'thidua_web'     -- the web process: it reads and signs, it cannot append
    ] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I nologin', name);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end $$;

-- Whoever else has a role of the server, such as Temporal, does not connect to this database.
do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to thidua_app, thidua_reader, thidua_web', current_database());
end $$;

create schema ledger;

create table ledger.installation (
    one             boolean primary key default true check (one),
    id              text not null,
    epoch           integer not null check (epoch > 0),
    clock_stopped   text,
    confirmed_until timestamptz
);
comment on table ledger.installation is 'One row. id: the installation that owns this ledger; epoch: the writer epoch, raised after a restore; clock_stopped: why appends are stopped, null while they are not; confirmed_until: the recorded time up to which an operator has confirmed the clock.';

create table ledger.baseline (
    one        boolean primary key default true check (one),
    digest     text not null,
    format     integer not null default 2,
    applied_at timestamptz not null default now()
);
comment on table ledger.baseline is 'One row: sha256 of the schema files that made this database, and the format of the ledger''s bytes. See ledger/setup.py, docs/ledger-format.md.';

create table ledger.batch (
    digest    bytea primary key check (length(digest) = 32),
    header    text not null,
    signature bytea not null
);
comment on table ledger.batch is 'Signed headers. A header names the person, the time and the list of commands that the signature covers. See ledger/signing.py.';

create table ledger.command (
    digest  bytea primary key check (length(digest) = 32),
    batch   bytea not null,
    payload text not null,
    unit    text not null
);
comment on table ledger.command is 'Signed commands. command_digest in the body of an event refers to digest; batch refers to batch.digest.';

create table ledger.event (
    position    bigint primary key,
    stream      text not null check (stream <> ''),
    version     bigint not null check (version > 0),
    law         integer not null check (law > 0),
    command_id  uuid not null,
    body        bytea not null,
    recorded_at timestamptz not null,
    previous    bytea not null,
    digest      bytea not null,
    unique (stream, version)
);
create index event_command on ledger.event (command_id, stream);
-- Times never fall, so a few blocks hold the events of a day.
create index event_recorded on ledger.event using brin (recorded_at);
comment on table ledger.event is 'The events, in one order. position has no gaps. body holds everything that the writer knew, as exact bytes; stream, version, law and command_id repeat it as an index. digest covers body, position, recorded_at and previous, the digest of the event before it in its stream. See docs/ledger-format.md.';

-- Returns the JSON of a body; null when it is none, which only a change by the owner brings about.
create function ledger.fields(body bytea) returns json
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
begin
    return case when convert_from(body, 'UTF8') is json object then convert_from(body, 'UTF8')::json end;
exception when data_exception or statement_too_complex then
    return null;
end $$;

create view ledger.event_fields as
    select e.position, e.stream, e.version, e.law, f ->> 'type' as type, f ->> 'schema' as schema,
           f -> 'payload' as payload, e.command_id, f ->> 'command_digest' as command_digest, f ->> 'actor' as actor,
           f ->> 'unit' as unit, f ->> 'stand_in_for' as stand_in_for, f ->> 'provenance' as provenance,
           coalesce(f ->> 'source', '') as source, f ->> 'meeting' as meeting,
           f ->> 'happened_earliest' as happened_earliest, f ->> 'happened_latest' as happened_latest,
           f ->> 'effective' as effective, f ->> 'act_key' as act_key, e.recorded_at,
           encode(e.previous, 'hex') as previous, encode(e.digest, 'hex') as digest,
           (f ->> 'stream', f ->> 'version', f ->> 'law', f ->> 'command_id')
               is not distinct from (e.stream, e.version::text, e.law::text, e.command_id::text) as index_agrees
    from ledger.event e, lateral (select ledger.fields(e.body) as f) body;
comment on view ledger.event_fields is 'For psql: every field of every event. index_agrees tells whether the columns of ledger.event say the same as the body.';

-- The bytes that docs/ledger-format.md needs to check a ledger elsewhere, one JSON document a line; bytes are in hex.
create view ledger.dump as
    select line from (
        select 1 as kind, 0::bigint as place,
               json_build_object('kind', 'ledger', 'format', b.format, 'installation', i.id, 'epoch', i.epoch)::text as line
        from ledger.installation i, ledger.baseline b
        union all
        select 2, row_number() over (order by digest),
               json_build_object('kind', 'batch', 'digest', encode(digest, 'hex'), 'header', header,
                                 'signature', encode(signature, 'hex'))::text
        from ledger.batch
        union all
        select 3, row_number() over (order by digest),
               json_build_object('kind', 'command', 'digest', encode(digest, 'hex'), 'batch', encode(batch, 'hex'),
                                 'payload', payload, 'unit', unit)::text
        from ledger.command
        union all
        select 4, position,
               json_build_object('kind', 'event', 'position', position, 'stream', stream, 'version', version, 'law', law,
                                 'command_id', command_id, 'body', encode(body, 'hex'),
                                 'recorded', (extract(epoch from recorded_at) * 1000000)::bigint,
                                 'previous', encode(previous, 'hex'), 'digest', encode(digest, 'hex'))::text
        from ledger.event
    ) lines
    order by kind, place;
comment on view ledger.dump is 'For psql -Atc "table ledger.dump": the ledger as JSON lines. See docs/ledger-format.md.';

create table ledger.tree (
    one      boolean primary key default true check (one),
    size     bigint not null check (size > 0),
    frontier bytea not null,
    note     text not null
);
comment on table ledger.tree is 'One row: the Merkle tree over the digests of the first `size` events as its frontier, and the signed checkpoint of it. Computed from the events, so it is no evidence. See ledger/checkpoints.py.';

create view ledger.gaps as
    select position, position - lag(position, 1, 0::bigint) over (order by position) - 1 as missing_before
    from ledger.event;
comment on view ledger.gaps is 'For psql: select * from ledger.gaps where missing_before <> 0; must return nothing.';

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'TD001';
end $$;

create trigger append_only before update or delete or truncate on ledger.event
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.command
    for each statement execute function ledger.refuse_change();
create trigger append_only before update or delete or truncate on ledger.batch
    for each statement execute function ledger.refuse_change();

-- Appends a group of requests in one transaction and answers in one row. Its arguments are plain arrays, side by side,
-- because the driver sends those in half the time of arrays of rows.
--
-- A request is named by its place in request_*: when it expires, and the event that was the newest one when its commands
-- were signed (position 0 and 32 zero bytes: none; null: it has no signed commands), and the version of the stream
-- `installation` with whose keys their signatures were checked (null: not with those of the ledger). A part is the events of one request
-- for one stream: version and digest are those of the last event that the caller knows there (0 and 32 zero bytes: none).
-- event_part names a part by its place; the events of a part follow each other. A body begins with the four columns of the
-- index, which the function compares with the request; that the rest of it is JSON, writer and verification check.
-- request_read is empty when no request has signed commands, and so is request_keys when none was checked with keys.
--
-- `statuses` has one entry for each request:
--   appended  its events are stored;
--   known     the command ids of all its events stand in their streams already;
--   expired   it expired, and is not known;
--   unread    the event that was read when it was signed is not in this ledger;
--   keys      the stream `installation`, which names and retires keys, is newer than the keys;
--   behind    a stream has another last event than the caller knows.
-- `digests` has one entry for each event, in the order given: null unless its request was appended. The positions of the
-- appended events follow each other from `first_position`.
create function ledger.append(
    request_expires timestamptz[], request_read bigint[], request_read_digest bytea[], request_keys bigint[],
    part_request integer[], part_stream text[], part_version bigint[], part_digest bytea[],
    event_part integer[], event_law integer[], event_command uuid[], event_body bytea[],
    command_request integer[], command_digest bytea[], command_batch bytea[], command_payload text[], command_unit text[],
    batch_digest bytea[], batch_header text[], batch_signature bytea[],
    writer_epoch integer,
    out statuses text[], out first_position bigint, out recorded_at timestamptz, out digests bytea[]
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- One plan for each statement: planning them anew costs more than storing the rows of a small group.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    installation ledger.installation;
    last         record;
    stamp        timestamptz;
    stamp_bytes  bytea;
    unread       integer[];
    keys         bigint;
    part         integer;
    version      bigint;
    law          integer;
    stream_json  text;
    head         bytea;
    at           bigint;
    before       bytea;
    versions     bigint[] := array_fill(null::bigint, array[cardinality(event_body)]);
    positions    bigint[] := array_fill(null::bigint, array[cardinality(event_body)]);
    previous     bytea[] := array_fill(null::bytea, array[cardinality(event_body)]);
    made         bytea[] := array_fill(null::bytea, array[cardinality(event_body)]);
begin
    -- Before the lock, while another group may still hold it. Rows are never deleted, so an event that is found now is
    -- there later.
    for index in 1 .. cardinality(event_body) loop
        if part is distinct from event_part[index] then
            part := event_part[index];
            version := part_version[part];
            stream_json := '{"stream":' || to_json(part_stream[part]) || ',"version":';
        end if;
        version := version + 1;
        head := convert_to(
            stream_json || version || ',"law":' || event_law[index] || ',"command_id":"' || event_command[index] || '",',
            'UTF8'
        );
        if substring(event_body[index] for octet_length(head)) is distinct from head then
            raise exception 'body' using errcode = 'TD005', detail = part_stream[part];
        end if;
        versions[index] := version;
    end loop;
    if cardinality(request_read) > 0 then
        select array_agg(r.request) into unread
            from rows from (unnest(request_read), unnest(request_read_digest))
                 with ordinality as r (read, digest, request)
            left join ledger.event ev on ev.position = r.read
            where r.read is not null and coalesce(ev.digest, decode(repeat('00', 32), 'hex')) <> r.digest;
    end if;
    part := null;

    -- The one lock of all appends, held until the commit: positions are given in the order of commits, without gaps.
    perform pg_advisory_xact_lock(7163, 1);
    select * into installation from ledger.installation;
    if installation.epoch is distinct from writer_epoch then
        raise exception 'epoch' using errcode = 'TD002', detail = coalesce(installation.epoch::text, 'none');
    end if;
    if installation.clock_stopped is not null then
        raise exception 'clock' using errcode = 'TD003', detail = installation.clock_stopped;
    end if;
    select ev.position, ev.recorded_at, ev.law into last from ledger.event ev order by ev.position desc limit 1;

    -- Recorded times never fall. A clock up to an hour behind the last event repeats that event's time; more stops the
    -- ledger until an operator has confirmed the times. What is confirmed is a time, not a position: the rows that
    -- follow repeat it, and are confirmed with it, until the clock has caught up.
    stamp := clock_timestamp();
    if last.recorded_at is not null and stamp < last.recorded_at then
        if stamp < last.recorded_at - interval '1 hour'
            and last.recorded_at > coalesce(installation.confirmed_until, '-infinity')
        then
            raise exception 'clock' using errcode = 'TD003', detail = 'behind';
        end if;
        stamp := last.recorded_at;
    end if;
    stamp_bytes := int8send((extract(epoch from stamp) * 1000000)::bigint);
    if cardinality(request_keys) > 0 then
        select ev.version into keys from ledger.event ev where ev.stream = 'installation' order by ev.version desc limit 1;
    end if;
    at := coalesce(last.position, 0);
    law := coalesce(last.law, 1);

    select array_agg(answer order by request) into statuses from (
        select p.request, case
            when bool_and(k.known) then 'known'
            when request_expires[p.request] < stamp then 'expired'
            when p.request = any (unread) then 'unread'
            when request_keys[p.request] < keys then 'keys'
            when bool_or(
                coalesce(tip.version, 0) <> p.version
                or coalesce(tip.digest, decode(repeat('00', 32), 'hex')) <> p.digest
            ) then 'behind'
            else 'appended' end as answer
        from rows from (unnest(part_request), unnest(part_stream), unnest(part_version), unnest(part_digest))
            as p (request, stream, version, digest)
        left join lateral (
            select ev.version, ev.digest from ledger.event ev where ev.stream = p.stream order by ev.version desc limit 1
        ) tip on true
        left join (
            select part_request[n.part] as request, bool_and(found.yes is not null) as known
            from rows from (unnest(event_part), unnest(event_command)) as n (part, command_id)
            left join lateral (
                select true as yes from ledger.event ev
                where ev.command_id = n.command_id and ev.stream = part_stream[n.part] limit 1
            ) found on true
            group by part_request[n.part]
        ) k using (request)
        group by p.request
    ) answers;

    -- The same digest as ledger/events.py, chain_digest; the first bytes are its EVENT_TAG.
    for index in 1 .. cardinality(event_body) loop
        continue when statuses[part_request[event_part[index]]] <> 'appended';
        if part is distinct from event_part[index] then
            part := event_part[index];
            before := part_digest[part];
        end if;
        if event_law[index] < law then
            raise exception 'law' using errcode = 'TD004', detail = law::text;
        end if;
        if event_law[index] > law then
            -- The one event that raises the law, by its first bytes: its index, then its type (domain/law.py).
            head := convert_to(
                '{"stream":"installation","version":' || versions[index] || ',"law":' || event_law[index]
                    || ',"command_id":"' || event_command[index] || '","type":"LawPutInForce",',
                'UTF8'
            );
            if substring(event_body[index] for octet_length(head)) is distinct from head then
                raise exception 'law' using errcode = 'TD006', detail = law::text;
            end if;
        end if;
        law := event_law[index];
        at := at + 1;
        positions[index] := at;
        previous[index] := before;
        before := sha256(
            '\x7468696475612d6576656e742d32'::bytea || before || int8send(at) || stamp_bytes || sha256(event_body[index])
        );
        made[index] := before;
    end loop;

    if at > coalesce(last.position, 0) then
        if cardinality(command_digest) > 0 then
            insert into ledger.batch select b.* from rows from (
                    unnest(batch_digest), unnest(batch_header), unnest(batch_signature)
                ) as b (digest, header, signature)
                where b.digest in (
                    select c.batch from rows from (unnest(command_request), unnest(command_batch)) as c (request, batch)
                    where statuses[c.request] = 'appended'
                )
                on conflict do nothing;
            insert into ledger.command select c.digest, c.batch, c.payload, c.unit
                from rows from (
                    unnest(command_request), unnest(command_digest), unnest(command_batch), unnest(command_payload),
                    unnest(command_unit)
                ) as c (request, digest, batch, payload, unit)
                where statuses[c.request] = 'appended' on conflict do nothing;
        end if;
        insert into ledger.event
            select n.new_position, part_stream[n.part], n.version, n.law, n.command_id, n.body, stamp, n.new_previous,
                   n.new_digest
            from rows from (
                unnest(positions), unnest(event_part), unnest(versions), unnest(event_law), unnest(event_command),
                unnest(event_body), unnest(previous), unnest(made)
            ) as n (new_position, part, version, law, command_id, body, new_previous, new_digest)
            where n.new_position is not null;
        perform pg_notify('ledger', at::text);
    end if;
    first_position := coalesce(last.position, 0) + 1;
    recorded_at := stamp;
    digests := made;
end $$;

-- Stops all appends, for the reason given, until an operator confirms the clock.
create function ledger.stop_clock(why text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update ledger.installation set clock_stopped = why where clock_stopped is null
$$;

revoke all on all functions in schema ledger from public;
grant usage on schema ledger to thidua_app, thidua_reader, thidua_web;
grant select on all tables in schema ledger to thidua_app, thidua_reader, thidua_web;
grant execute on function ledger.fields to thidua_app, thidua_reader, thidua_web;
grant execute on function ledger.append, ledger.stop_clock to thidua_app;
grant insert, update on ledger.tree to thidua_app;
