-- The transactions that hold the horizon back, the lowest first: who they are, how old, and what they do.
create or replace function eventstore_holders()
returns table (floor bigint, pid int, age interval, state text, application text, query text) language sql as $$
    select (l.classid::bigint & 65535) << 32 | l.objid::bigint, l.pid, clock_timestamp() - a.xact_start, a.state,
           a.application_name, a.query
    from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.objsubid = 1 and l.classid::bigint >> 16 = 77
      and l.database = (select oid from pg_database where datname = current_database())
      and l.pid <> pg_backend_pid()
    order by 1, a.xact_start
$$;
