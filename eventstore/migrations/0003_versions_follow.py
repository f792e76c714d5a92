from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """The append function refuses versions that do not follow; the view says which payload it cannot read."""

    dependencies = [("eventstore", "0002_personal_keys_and_snapshots")]
    operations = [
        migrations.RunSQL((SQL / f"{name}.sql").read_text(), migrations.RunSQL.noop) for name in ("append", "view")
    ]
