-- Publish the horizon for replicas. Everything at or below it is committed before this commits, and so replayed before.
create or replace function eventstore_publish_horizon() returns bigint language sql as $$
    insert into eventstore_published_horizon as known (singleton, position) values (true, eventstore_horizon())
    on conflict (singleton) do update set position = excluded.position where known.position < excluded.position
    returning position
$$;
