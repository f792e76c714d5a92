-- A payload as jsonb; one that is none (only SQL can have stored it) as {"unreadable": …}, and it hides no other.
create or replace function eventstore_facts(data bytea) returns jsonb language plpgsql immutable strict as $$
begin
    return convert_from(data, 'UTF8')::jsonb;
exception when others then
    return jsonb_build_object('unreadable', encode(substr(data, 1, 1000), 'escape'));
end $$;

-- The log for people with psql: payloads as jsonb. Personal facts stay sealed.
create or replace view eventstore_log as
    select position, stream_id, version, name, eventstore_facts(data) as facts, actor, reason, recorded_at,
           effective_at, event_id, command_id, correlation_id, causation_id
    from eventstore_event;
