-- What is in the log stays as it is.
create or replace function eventstore_refuse() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: what happened stays as it was recorded. Append an event that corrects it.',
        tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;

create or replace trigger eventstore_append_only before update or delete or truncate on eventstore_event
    for each statement execute function eventstore_refuse();
