"""The same server, workers and database, but nothing between the socket and one INSERT."""

from leadcrm.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare"
MIDDLEWARE = []
INSTALLED_APPS = []  # one of them insists on its middleware
