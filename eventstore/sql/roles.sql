-- Least rights, to be run by the owner of the tables, with the names of two roles that exist.
-- The application (:writer) appends by the function alone: it can neither insert, change nor remove an event by hand.
revoke all on eventstore_event, eventstore_command, eventstore_snapshot, eventstore_tracking, eventstore_personal_key,
    eventstore_published_horizon, eventstore_log, eventstore_event_position_seq from public, :writer, :reader;
revoke all on function eventstore_append, eventstore_publish_horizon from public, :writer, :reader;

grant select on eventstore_event, eventstore_command, eventstore_snapshot, eventstore_tracking, eventstore_log,
    eventstore_published_horizon, eventstore_event_position_seq to :writer, :reader;
grant select on eventstore_personal_key to :writer;  -- a reader sees personal facts sealed
grant execute on function eventstore_append, eventstore_publish_horizon to :writer;
grant insert, update, delete on eventstore_snapshot to :writer;  -- never needed, only quicker
grant insert, update on eventstore_tracking, eventstore_personal_key, eventstore_published_horizon to :writer;
