-- The append again: it judges a command's expiry under the same lock, answers in one row instead of one for each event,
-- and keeps one plan for each of its statements (planning them anew cost more than a small group's rows).

drop function ledger.append;
drop type ledger.new_part, ledger.new_command;

create type ledger.new_part as (request integer, stream text, version bigint, digest bytea, expires timestamptz);
create type ledger.new_command as (request integer, digest bytea, handover bytea, payload text, unit text);

-- Appends a group of requests in one transaction. Each request is answered on its own: 'appended', 'known' (its command
-- ids stand in its streams already), 'behind' (a stream does not stand where it believes) or 'expired'. Of the events, in
-- the order given, those of appended requests have a digest; their positions follow each other from `first`.
create function ledger.append(
    parts ledger.new_part[], events ledger.new_event[], commands ledger.new_command[], handovers ledger.handover[],
    writer_epoch integer,
    out statuses text[], out first bigint, out recorded_at timestamptz, out digests bytea[]
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    here       ledger.installation;
    last       record;
    stamp_send bytea;
    e          ledger.new_event;
    i          integer := 0;
    at         bigint;
    link       bytea;
    positions  bigint[] := array_fill(null::bigint, array[cardinality(events)]);
    links      bytea[] := array_fill(null::bytea, array[cardinality(events)]);
    made       bytea[] := array_fill(null::bytea, array[cardinality(events)]);
    stamp      timestamptz;
begin
    perform pg_advisory_xact_lock(7163, 1);
    select * into here from ledger.installation;
    if here.epoch is distinct from writer_epoch then
        raise exception 'epoch' using errcode = 'TD002', detail = coalesce(here.epoch::text, 'none');
    end if;
    if here.clock_stopped is not null then
        raise exception 'clock' using errcode = 'TD003', detail = here.clock_stopped;
    end if;
    select ev.position, ev.recorded_at into last from ledger.event ev order by ev.position desc limit 1;
    stamp := clock_timestamp();
    if last.recorded_at is not null and stamp < last.recorded_at then
        if stamp < last.recorded_at - interval '1 hour' and last.position > here.confirmed then
            raise exception 'clock' using errcode = 'TD003', detail = 'behind';
        end if;
        stamp := last.recorded_at;
    end if;
    stamp_send := int8send((extract(epoch from stamp) * 1000000)::bigint);
    at := coalesce(last.position, 0);

    -- A request is known when every one of its events' commands stands in its stream; only then may it be late.
    select array_agg(answer order by request) into statuses from (
        select p.request, case
            when bool_and(k.known) then 'known'
            when bool_or(p.expires < stamp) then 'expired'
            when bool_or(
                coalesce(head.version, 0) <> p.version
                or coalesce(head.digest, decode(repeat('00', 32), 'hex')) <> p.digest
            ) then 'behind'
            else 'appended' end as answer
        from unnest(parts) p
        left join lateral (
            select ev.version, ev.digest from ledger.event ev where ev.stream = p.stream order by ev.version desc limit 1
        ) head on true
        left join (
            select n.request, bool_and(found.yes is not null) as known
            from unnest(events) n
            left join lateral (
                select true as yes from ledger.event ev
                where ev.command_id = n.command_id and ev.stream = n.stream limit 1
            ) found on true
            group by n.request
        ) k using (request)
        group by p.request
    ) answers;

    foreach e in array events loop
        i := i + 1;
        continue when statuses[e.request] <> 'appended';
        at := at + 1;
        link := coalesce(e.first_previous, link);
        positions[i] := at;
        links[i] := link;
        link := sha256('\x7468696475612d636861696e2d31'::bytea || link || int8send(at) || stamp_send || e.content);
        made[i] := link;
    end loop;

    if at > coalesce(last.position, 0) then
        if cardinality(commands) > 0 then
            insert into ledger.handover select h.* from unnest(handovers) h
                where h.digest in (select c.handover from unnest(commands) c where statuses[c.request] = 'appended')
                on conflict do nothing;
            insert into ledger.command select c.digest, c.handover, c.payload, c.unit
                from unnest(commands) c where statuses[c.request] = 'appended' on conflict do nothing;
        end if;
        insert into ledger.event
            select p.p, p.stream, p.version, p.type, p.schema, p.payload, p.command_id, p.command_digest, p.actor,
                   p.unit, p.stand_in_for, p.provenance, p.source, p.meeting, p.happened_earliest, p.happened_latest,
                   p.effective, p.act_key, stamp, p.l, p.d
            from rows from (unnest(events), unnest(positions), unnest(links), unnest(made)) as p (
                request, stream, version, first_previous, content, type, schema, payload, command_id, command_digest,
                actor, unit, stand_in_for, provenance, source, meeting, happened_earliest, happened_latest, effective,
                act_key, p, l, d
            )
            where p.p is not null;
        perform pg_notify('ledger', at::text);
    end if;
    first := coalesce(last.position, 0) + 1;
    recorded_at := stamp;
    digests := made;
end $$;

revoke all on function ledger.append from public;
grant execute on function ledger.append to thidua_app;
