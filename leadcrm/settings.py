"""All settings. What an operator may change comes from the environment; the README has a table."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from leadcrm import embedded
from leadcrm.lib import env
from leadcrm.lib.logs import structlog_configuration

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("LEADCRM_VAR") or BASE_DIR / "var")

DEBUG = env.flag("DEBUG", default=False)
EMBEDDED = embedded.urls()
DEMO = DEBUG or env.flag("LEADCRM_DEMO", default=bool(EMBEDDED))


def service_url(name: str) -> str:
    """The address of PostgreSQL, Valkey or the mail server: from the environment, else embedded."""
    url = env.secret(name) or EMBEDDED.get(name)
    if not url:
        raise ImproperlyConfigured(
            f"{name} is not set and no embedded server is running. "
            f"Start `make run` in another terminal, or set {name}."
        )
    return url


def secret_key() -> str:
    key = env.secret("SECRET_KEY") or embedded.secret_key()
    if not key or len(key) < 32:
        raise ImproperlyConfigured(
            "SECRET_KEY must be set to at least 32 random characters, "
            "for example the output of `openssl rand -base64 48`."
        )
    return key


# Web -----------------------------------------------------------------------------------------
SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
SITE_URL = env.text("SITE_URL", EMBEDDED.get("SITE_URL", "http://127.0.0.1:8000")).rstrip("/")
HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    urlsplit(SITE_URL).hostname or "127.0.0.1",
    "localhost",
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "leadcrm.urls"
WSGI_APPLICATION = "leadcrm.wsgi.application"
# How many proxies in front may be believed about the client's address (X-Forwarded-For).
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
MAX_CAPTURE_BYTES = env.number("MAX_CAPTURE_BYTES", 5_000_000)
MAX_MAIL_BYTES = env.number("MAX_MAIL_BYTES", 25_000_000)  # of a message read over IMAP
MAX_IMPORT_BYTES = env.number("MAX_IMPORT_BYTES", 200_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_CAPTURE_BYTES + 1_000_000

INSTALLED_APPS = [
    "leadcrm.accounts",
    "leadcrm.eventlog",
    "leads",
    "scoring",
    "pipeline",
    "nurturing",
    "leadcrm.dashboard",
    "leadcrm.audit",
    "leadcrm.configuration",
    "leadcrm.demo",
    "leadcrm.lib",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "anymail",
    "django_htmx",
    "template_partials",
    "csp",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "leadcrm.lib.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "leadcrm.lib.middleware.SecurityHeadersMiddleware",
    "leads.lane.CaptureLane",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "leadcrm.accounts.middleware.UserTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "leadcrm.lib.middleware.DomainErrorMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "leadcrm.lib.ui",
                "leadcrm.lib.charts",
                "django.templatetags.static",
                "django.contrib.humanize.templatetags.humanize",
                "template_partials.templatetags.partials",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "leadcrm.accounts.context.shell",
            ],
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "leadcrm.lib.assets.BuiltAssetsFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
MEDIA_ROOT = VAR_DIR / "media"
# Where captures are saved while the database is away; web and workers must see the same.
SPOOL_DIR = Path(env.text("LEADCRM_SPOOL") or VAR_DIR / "spool")
SPOOL_MAX_BYTES = env.number("SPOOL_MAX_BYTES", 500_000_000)
SPOOL_MAX_FILES = env.number("SPOOL_MAX_FILES", 100_000)
RECONCILE_SECONDS = env.number("RECONCILE_SECONDS", 3600)  # 0: never by itself

# Database, cache, broker -----------------------------------------------------------------------
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        service_url("DATABASE_URL"), conn_max_age=60, conn_health_checks=True
    )
}
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "connect_timeout": 2,
    "options": "-c statement_timeout=30000 -c lock_timeout=5000"
    " -c idle_in_transaction_session_timeout=60000",
}
DISABLE_SERVER_SIDE_CURSORS = True  # safe behind PgBouncer in transaction mode
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DISABLE_SERVER_SIDE_CURSORS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = service_url("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "leadcrm.lib.cache.ForgivingCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": env.text("CACHE_PREFIX", "leadcrm"),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # a flushed cache signs nobody out

# Sign-in -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by an administrator's invitation
ACCOUNT_ADAPTER = "leadcrm.accounts.adapter.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses come from an administrator, not from a sign-up form
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
USERSESSIONS_TRACK_ACTIVITY = False  # five statements a request for a column nobody reads
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "leadcrm_session"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "leadcrm_csrf"
CSRF_COOKIE_HTTPONLY = True

# Security headers ------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS and env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked for inside the network
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# E-mail ----------------------------------------------------------------------------------------
EMAIL_URL = service_url("EMAIL_URL")
MAIL_DIR = VAR_DIR / "mail"  # where the embedded catcher keeps messages
EMAIL_CATCHER = env.secret("EMAIL_URL") is None
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "LeadCRM <hello@example.com>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
POSTAL_ADDRESS = env.text("POSTAL_ADDRESS", "")


def email_settings(url: str) -> dict[str, Any]:
    """smtp://, smtp+tls:// (STARTTLS) or smtps:// with user, password, host and port."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtp+tls", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL must look like smtp+tls://user:password@host:587.")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 30,
    }


globals().update(email_settings(EMAIL_URL))
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

# Providers of leads --------------------------------------------------------------------------
META_GRAPH_URL = env.text("META_GRAPH_URL", "https://graph.facebook.com")
META_GRAPH_VERSION = env.text("META_GRAPH_VERSION", "v24.0")
META_GRAPH_CLIENT = "leads.providers.graph.HttpGraph"
LINKEDIN_API_URL = env.text("LINKEDIN_API_URL", "https://api.linkedin.com")
LINKEDIN_API_VERSION = env.text("LINKEDIN_API_VERSION", "202610")
LINKEDIN_CLIENT = "leads.providers.leadsync.HttpLeadSync"
# Ports at which mailboxes may be read; nothing else of the network can be probed with them.
IMAP_PORTS = [int(port) for port in env.words("IMAP_PORTS", "143,993")]

# API -------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leadcrm.accounts.authentication.ApiKeyAuthentication",
        "leadcrm.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["leadcrm.accounts.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["leadcrm.lib.parsers.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "leadcrm.lib.problems.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": ["leadcrm.accounts.permissions.ApiRateThrottle"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_RATE_PER_MINUTE = env.number("API_RATE_PER_MINUTE", 600)
SPECTACULAR_SETTINGS = {
    "TITLE": "LeadCRM API",
    "DESCRIPTION": "Capture, qualify, route and nurture leads.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "FieldTypeEnum": "leads.models.fields.FieldDefinition.Type",
        "DripCampaignStateEnum": "nurturing.models.DripCampaign.State",
        "DripStepKindEnum": "nurturing.models.Step.Kind",
        "EnrollmentStateEnum": "nurturing.models.Enrollment.State",
        "MailStateEnum": "nurturing.models.Send.State",
        "ScoringGroupEnum": "scoring.models.Rule.Group",
        "ModelStateEnum": "scoring.models.ModelVersion.State",
        "RoutingTargetEnum": "pipeline.models.RoutingRule.Target",
        "RestReasonEnum": "pipeline.models.Rest.Reason",
        "RuleSetStateEnum": "pipeline.models.RuleSet.State",
        "CaptureStateEnum": "leads.models.InboxItem.State",
        "OpenWonLostEnum": "leads.models.Stage.Category",
        "StageTypeEnum": "leads.models.Stage.Type",
        "TaskKindEnum": "pipeline.models.Task.Kind",
        "SourceKindEnum": "leads.models.Source.Kind",
        "SegmentKindEnum": "leads.models.Segment.Kind",
        "MembershipCauseEnum": "leads.models.SegmentMembership.Cause",
    },
}

# Words and times -------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH: list[str] = []

# Logs and errors ---------------------------------------------------------------------------------
LOGGING = structlog_configuration(json=not DEBUG, level=env.text("LOG_LEVEL", "INFO"))
if SENTRY_DSN := env.secret("SENTRY_DSN"):
    import sentry_sdk

    sentry_sdk.init(dsn=SENTRY_DSN, send_default_pii=False)

SILENCED_SYSTEM_CHECKS: list[str] = []
