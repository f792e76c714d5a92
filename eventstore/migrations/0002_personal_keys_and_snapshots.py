from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"

TABLES = """
create table eventstore_personal_key (
    subject_id uuid primary key,
    wrapped bytea,
    wrapped_by text,
    forgotten_at timestamptz,
    constraint eventstore_a_key_is_there_or_forgotten check ((wrapped is null) = (forgotten_at is not null))
);
create table eventstore_published_horizon (
    singleton boolean primary key default true check (singleton),
    position bigint not null
);
insert into eventstore_published_horizon (position) values (0);
alter table eventstore_snapshot add code text not null default '';
"""


class Migration(migrations.Migration):
    dependencies = [("eventstore", "0001_initial")]
    operations = [
        migrations.RunSQL(TABLES, migrations.RunSQL.noop),
        *(
            migrations.RunSQL((SQL / f"{name}.sql").read_text(), migrations.RunSQL.noop)
            for name in ("append", "horizon", "publish", "holders", "view")
        ),
        migrations.CreateModel(
            name="PersonalKey",
            fields=[
                ("subject_id", models.UUIDField(primary_key=True, serialize=False)),
                ("wrapped_by", models.TextField(help_text="Which of EVENTSTORE_KEYS.", null=True)),
                ("forgotten_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "eventstore_personal_key", "managed": False},
        ),
        migrations.AddField("snapshot", "code", models.TextField(help_text="Of the code that took it.")),
    ]
