"""How the desk writes instants: by the day's 24 hours, as the log does."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
