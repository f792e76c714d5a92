"""Pages above the contexts, under admin/."""

from django.urls import path

from shop.desk import counting
from shop.desk.prices import changes, drafts, grid, imports

urlpatterns = [
    path("prices/grid/", grid.grid, name="price-grid"),
    path("prices/import/", imports.importing, name="price-import"),
    path("prices/drafts/<uuid:pk>/", drafts.draft, name="price-draft"),
    path("prices/undo/<uuid:correlation_id>/", drafts.undo, name="price-undo"),
    path("prices/changes/", changes.changes, name="price-changes"),
    path("prices/changes/<uuid:pk>/", changes.change, name="price-change"),
    path("prices/changes/<uuid:pk>/lines.csv", changes.lines, name="price-change-lines"),
    path("count-sheet/", counting.choose, name="count-sheet"),
    path("count-sheet/<uuid:sheet>/", counting.fill, name="count-sheet-fill"),
]
