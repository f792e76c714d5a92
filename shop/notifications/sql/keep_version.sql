-- How a mail stood until it changed.
create function notifications_keep_version() returns trigger language plpgsql as $$
begin
    insert into notifications_mailversion (mail_id, until, status, error, tries, due_at, sent_at)
    values (old.id, clock_timestamp(), old.status, old.error, old.tries, old.due_at, old.sent_at);
    return null;
end $$;

create trigger notifications_keep_version after update on notifications_outgoingmail for each row
    when ((old.status, old.error, old.tries, old.due_at, old.sent_at)
        is distinct from (new.status, new.error, new.tries, new.due_at, new.sent_at))
    execute function notifications_keep_version();
