"""The product's settings on servers of the test run's own.

Chosen on pytest's command line so that the servers are up before anybody reads a setting.
"""

import os

from tests import servers

servers.provide()

from leadcrm.settings import *  # noqa: E402, F403
from leadcrm.settings import CACHES, DATABASES, REDIS_URL, VAR_DIR  # noqa: E402

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")

DATABASES["default"]["TEST"] = {
    # pytest-django adds the name of the worker.
    "NAME": f"test_{os.environ.get('LEADCRM_DEV_NAME', 'leadcrm')}",
}
if WORKER and "LEADCRM_DEV_NAME" not in os.environ:
    # Each worker has a Valkey database to itself: clearing the cache empties it all.
    REDIS_URL = f"{REDIS_URL.rpartition('/')[0]}/{int(WORKER.removeprefix('gw')) + 1}"
    CACHES["default"]["LOCATION"] = REDIS_URL
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
MEDIA_ROOT = VAR_DIR / "test-media"
RECONCILE_SECONDS = 0  # only when a test asks for it
