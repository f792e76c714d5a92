from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"

TABLES = """
create sequence eventstore_event_position_seq as bigint cache 1;  -- a cache would let positions overtake each other

create table eventstore_event (
    position bigint primary key,
    stream_id uuid not null,
    version bigint not null,
    name text not null,
    data bytea not null,
    event_id uuid not null default gen_random_uuid(),
    command_id uuid,
    correlation_id uuid,
    causation_id uuid,
    actor text,
    reason text,
    recorded_at timestamptz not null,
    effective_at timestamptz not null,
    constraint eventstore_one_event_a_version unique (stream_id, version)
);
alter sequence eventstore_event_position_seq owned by eventstore_event.position;
create index eventstore_event_correlation on eventstore_event (correlation_id) where correlation_id is not null;

create table eventstore_command (
    command_id uuid primary key,
    name text not null,
    digest bytea not null,
    stream_id uuid not null,
    version bigint not null,
    position bigint,
    recorded_at timestamptz not null
);

create table eventstore_snapshot (
    stream_id uuid not null,
    version bigint not null,
    name text not null,
    data bytea not null,
    effective_at timestamptz not null,
    primary key (stream_id, version)
);

create table eventstore_tracking (
    application_name text primary key,
    notification_id bigint not null
);
"""


def function(name: str) -> migrations.RunSQL:
    """Run today's ``sql/<name>.sql``: each change of a file is a new migration that runs it again."""
    return migrations.RunSQL((SQL / f"{name}.sql").read_text(), migrations.RunSQL.noop)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL(TABLES, migrations.RunSQL.noop),
        function("guard"),
        function("append"),
        function("horizon"),
        migrations.CreateModel(
            name='Command',
            fields=[
                ('command_id', models.UUIDField(primary_key=True, serialize=False)),
                ('name', models.TextField()),
                ('digest', models.BinaryField(help_text='Of its arguments.')),
                ('stream_id', models.UUIDField()),
                ('version', models.BigIntegerField(help_text='Of the aggregate, afterwards.')),
                ('position', models.BigIntegerField(help_text='Of its last event; none when nothing changed.', null=True)),
                ('recorded_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'eventstore_command',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('position', models.BigIntegerField(help_text='In the log. Has gaps; never goes backwards.', primary_key=True, serialize=False)),
                ('stream_id', models.UUIDField()),
                ('version', models.BigIntegerField(help_text='In the stream; 1 is its first event.')),
                ('name', models.TextField()),
                ('data', models.BinaryField(help_text='The facts, in UTF-8 JSON.')),
                ('event_id', models.UUIDField()),
                ('command_id', models.UUIDField(null=True)),
                ('correlation_id', models.UUIDField(null=True)),
                ('causation_id', models.UUIDField(null=True)),
                ('actor', models.TextField(null=True)),
                ('reason', models.TextField(null=True)),
                ('recorded_at', models.DateTimeField(help_text='When we learned it.')),
                ('effective_at', models.DateTimeField(help_text='When it was true.')),
            ],
            options={
                'db_table': 'eventstore_event',
                'ordering': ('-position',),
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('pk', models.CompositePrimaryKey('stream_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                ('stream_id', models.UUIDField()),
                ('version', models.BigIntegerField()),
                ('name', models.TextField()),
                ('data', models.BinaryField()),
                ('effective_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'eventstore_snapshot',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Tracking',
            fields=[
                ('application_name', models.TextField(primary_key=True, serialize=False)),
                ('notification_id', models.BigIntegerField()),
            ],
            options={
                'db_table': 'eventstore_tracking',
                'managed': False,
            },
        ),
    ]
