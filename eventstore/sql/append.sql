-- Append events, and with them the receipt of the command that decided them. Answers their positions;
-- null when another writer holds one of those versions already; {0} when that command was carried out before.
--
-- Before it draws a position, a transaction takes a shared lock whose key says "mine will be above this one": that is
-- all a reader needs (horizon.sql). Writers never wait for each other, except for the same version of the same stream.
-- It runs with its owner's rights (roles.sql): whoever may call it can append, and do nothing else.
-- One lock a transaction is enough (its first append has the lowest key), and ten thousand would fill the lock table.
create or replace function eventstore_append(
    streams uuid[], versions bigint[], names text[], payloads bytea[], effective timestamptz,
    command uuid, correlation uuid, causation uuid, actor text, reason text,
    command_name text, command_digest bytea, receipt_stream uuid, receipt_version bigint
) returns bigint[] language plpgsql security definer set search_path = public, pg_temp as $$
declare
    floor text := current_setting('eventstore.floor', true);
    drawn bigint[] := '{}';
    instant timestamptz := clock_timestamp();
    nothing text;  -- an assignment is evaluated at once; `perform` would plan and run a query
begin
    if coalesce(floor, '') = '' then
        floor := coalesce(pg_sequence_last_value('eventstore_event_position_seq'), 0);
        nothing := pg_advisory_xact_lock_shared(77::bigint << 48 | floor::bigint);
        floor := set_config('eventstore.floor', floor, true);
    end if;

    if cardinality(streams) = 1 then
        drawn := array[nextval('eventstore_event_position_seq')];
    elsif cardinality(streams) > 1 then  -- none of another append's several among them: under a lock, given back at once
        begin
            perform pg_advisory_xact_lock(78::bigint << 48);
            drawn := array(select nextval('eventstore_event_position_seq') from generate_series(1, cardinality(streams)));
            raise exception 'drawn';  -- undoing a subtransaction gives back its locks; a sequence never goes back
        exception when raise_exception then
        end;
    end if;

    begin  -- a subtransaction: a conflict undoes this append, and leaves the caller's transaction usable
        if command_name is not null then
            insert into eventstore_command (command_id, name, digest, stream_id, version, position, recorded_at)
            values (command, command_name, command_digest, receipt_stream, receipt_version,
                    drawn[cardinality(drawn)], instant)
            on conflict do nothing;
            if not found then
                return array[0];
            end if;
        end if;
        if cardinality(streams) = 1 then  -- as below, without what it takes to set out rows and sort them
            insert into eventstore_event (position, stream_id, version, name, data, command_id, correlation_id,
                                          causation_id, actor, reason, recorded_at, effective_at)
            values (drawn[1], streams[1], versions[1], names[1], payloads[1], command, correlation,
                    causation, actor, reason, instant, coalesce(effective, instant));
        else
            insert into eventstore_event (position, stream_id, version, name, data, command_id, correlation_id,
                                          causation_id, actor, reason, recorded_at, effective_at)
            select drawn[i], e.stream_id, e.version, e.name, e.data, command, correlation,
                   causation, eventstore_append.actor, eventstore_append.reason, instant, coalesce(effective, instant)
            from unnest(streams, versions, names, payloads) with ordinality as e (stream_id, version, name, data, i)
            order by e.stream_id, e.version;  -- one order for all writers, so that two never wait for each other
        end if;
    exception when unique_violation then
        return null;
    end;
    return drawn;
end $$;
