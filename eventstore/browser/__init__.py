"""Staff pages over the log, for any project with Django's admin::

    from eventstore.browser.site import EventBrowser

    admin.site.register(Event, EventBrowser)

Whoever is staff and has ``eventstore.view_event`` sees all events with their facts, personal ones opened.
"""
