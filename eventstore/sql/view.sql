-- The log for people with psql: payloads as jsonb. Personal facts stay sealed.
create or replace view eventstore_log as
    select position, stream_id, version, name, convert_from(data, 'UTF8')::jsonb as facts, actor, reason, recorded_at,
           effective_at, event_id, command_id, correlation_id, causation_id
    from eventstore_event;
