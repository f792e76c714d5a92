-- While this trigger stands (moved_clock.py), a transaction that says so records each event as at the time at which it
-- was true. The clock only goes on: never behind the last event, since when something was recorded rises with its position;
-- nor past the database's own. Only the owner of the table can put the trigger there.
create or replace function eventstore_move_clock() returns trigger language plpgsql as $$
declare
    before timestamptz := (
        select recorded_at from eventstore_event where position < new.position order by position desc limit 1);
begin
    if new.effective_at < before then
        raise exception 'The clock goes on only: expected % or later, the last event''s, found %.', before, new.effective_at
            using errcode = 'check_violation';
    elsif new.effective_at > new.recorded_at then
        raise exception 'The clock is moved to the past only: it is %, and was moved to %.',
            new.recorded_at, new.effective_at using errcode = 'check_violation';
    end if;
    new.recorded_at := new.effective_at;
    update eventstore_command set recorded_at = new.recorded_at
    where command_id = new.command_id and recorded_at > new.recorded_at;
    return new;
end $$;

create or replace trigger eventstore_moved_clock before insert on eventstore_event for each row
    when (current_setting('eventstore.moved_clock', true) = 'on') execute function eventstore_move_clock();
