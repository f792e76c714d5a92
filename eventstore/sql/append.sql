-- Append events, and with them the receipt of the command that decided them. Answers their positions;
-- null when another writer holds one of those versions already; {0} when that command was carried out before;
-- {-1, i, last} when the i-th event does not follow the last version of its stream (null: there is no such stream), and
-- {-1, null, last} when there are no events, and the receipt's version is not in the log: it was rolled back.
--
-- A stream's versions are 1, 2, 3, … (an application of the library may count from 0, as its acceptance suite does).
-- What came before is there for good once it is seen, so it is looked for first, without a lock.
--
-- Before it draws a position, a transaction takes a shared lock whose key says "mine will be above this one": that is
-- all a reader needs (horizon.sql). Writers never wait for each other, except for the same version of the same stream.
-- It runs with its owner's rights (roles.sql): whoever may call it can append, and do nothing else.
-- One lock a transaction is enough (its first append has the lowest key), and ten thousand would fill the lock table.
--
-- It may be called at any isolation level: the horizon rests on locks and a sequence, which no snapshot hides. What was
-- committed after an older snapshot was taken is refused: a version as held or as one that does not follow, which leaves
-- the caller's transaction usable; a command's receipt as a serialization failure, which does not.
create or replace function eventstore_append(
    streams uuid[], versions bigint[], names text[], payloads bytea[], effective timestamptz,
    command uuid, correlation uuid, causation uuid, actor text, reason text,
    command_name text, command_digest bytea, receipt_stream uuid, receipt_version bigint
) returns bigint[] language plpgsql security definer set search_path = public, pg_temp as $$
declare
    floor text := current_setting('eventstore.floor', true);
    newest bigint;  -- position that anybody has drawn
    drawn bigint[] := '{}';
    instant timestamptz;
    nothing text;  -- an assignment is evaluated at once; `perform` would plan and run a query
    gap bigint[];
begin
    -- Each expression and each query is set up anew in every transaction: one for a first event, two for one that follows.
    if cardinality(streams) <> 1 or versions[1] <> 1 or names[1] ~ '^$|[[:cntrl:]]' then
        if cardinality(streams) <> 1 or names[1] ~ '^$|[[:cntrl:]]' or not exists (
            select from eventstore_event where stream_id = streams[1] and version = versions[1] - 1) then
            if '' = any(names) or array_to_string(names, '') ~ '[[:cntrl:]]' then
                raise exception 'An event needs a name, without control characters.' using errcode = 'check_violation';
            end if;
            for i in 1 .. cardinality(streams) loop
                continue when versions[i] = 1
                    or i > 1 and streams[i] = streams[i - 1] and versions[i] = versions[i - 1] + 1;
                if not exists (
                    select from eventstore_event where stream_id = streams[i] and version = versions[i] - 1) then
                    gap := (  -- of them all, since what comes before this one may stand further up in this append
                        select array[-1, place, last] from (
                            select e.place, e.version, lag(e.version) over own as before,
                                coalesce(lag(e.version) over own, (select max(known.version) from eventstore_event known
                                                                   where known.stream_id = e.stream_id)) as last
                            from unnest(streams, versions) with ordinality as e (stream_id, version, place)
                            window own as (partition by e.stream_id order by e.place)) told
                        where version not between coalesce(before, 0) + 1 and coalesce(last, 0) + 1
                          and not (version = 0 and last is null)
                        order by place limit 1);
                    exit when gap is null;
                    return gap;
                end if;
            end loop;
            if cardinality(streams) = 0 and receipt_version is not null then
                if not exists (
                    select from eventstore_event where stream_id = receipt_stream and version = receipt_version) then
                    return array[-1, null, (select max(version) from eventstore_event where stream_id = receipt_stream)];
                end if;
            end if;
        end if;
    end if;

    -- Taken again at each append, which costs nothing: the caller could have set the floor without taking the lock.
    newest := coalesce(pg_sequence_last_value('eventstore_event_position_seq'), 0);
    if coalesce(floor, '') = '' or floor::bigint not between 0 and newest then
        floor := set_config('eventstore.floor', newest::text, true);
    end if;
    nothing := pg_advisory_xact_lock_shared(77::bigint << 48 | floor::bigint);
    instant := clock_timestamp();  -- once the lock is held: what is recorded before an instant holds the horizon back then

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
