from django.contrib import admin

from eventstore.models import Event
from shop.desk import related
from shop.desk.log import ShopLog

__all__ = ["related"]

admin.site.register(Event, ShopLog)
admin.site.index_template = "desk/dashboard.html"
