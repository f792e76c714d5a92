"""The shop: a Django project, and its bounded contexts as apps."""

from shop.celery import app as celery_app

__all__ = ["celery_app"]
