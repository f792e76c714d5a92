from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('desk', '0001_price_draft'),
    ]

    operations = [
        # Previews last for two days: whoever looks at one just now makes it again.
        migrations.RunSQL("delete from desk_pricedraft", migrations.RunSQL.noop),
        migrations.AddField(
            model_name='pricedraft',
            name='counts',
            field=models.JSONField(default=dict, help_text='How many lines there are to each look.'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='pricedraft',
            name='average',
            field=models.CharField(default='', help_text='By how many percent prices change.', max_length=20),
            preserve_default=False,
        ),
    ]
