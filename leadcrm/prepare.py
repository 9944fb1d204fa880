"""Between servers and web: migrate, build static files, load demo data into an empty database.

python -m leadcrm.prepare
"""

import hashlib
import os
from importlib.metadata import distributions
from pathlib import Path

from leadcrm.embedded import state

DEMO_ADMIN = "admin@example.com"


def prepare(home: Path) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    if migrations_are_pending():
        call_command("migrate", interactive=False)
    build_static_files(home)
    load_demo_data()
    state.write_json(home / "prepared.json", {"demo": demo_is_loaded()})


def migrations_are_pending() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def build_static_files(home: Path) -> None:
    """Compressing takes seconds; skip it when neither sources nor packages have changed."""
    from django.conf import settings
    from django.core.management import call_command

    now = static_fingerprint(settings.BASE_DIR)
    if state.read(home / "static.json").get("fingerprint") == now and settings.STATIC_ROOT.exists():
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    state.write_json(home / "static.json", {"fingerprint": now})


def static_fingerprint(base: Path) -> str:
    digest = hashlib.sha256()
    sources = [path for path in (base / "static").rglob("*") if path.is_file()]
    for path in sorted([*sources, base / "leadcrm" / "lib" / "assets.py"]):
        digest.update(f"{path.relative_to(base)}\n".encode())
        digest.update(path.read_bytes())
    for package in sorted(f"{each.name} {each.version}" for each in distributions()):
        digest.update(package.encode())
    return digest.hexdigest()


def load_demo_data() -> None:
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if settings.DEMO and not get_user_model().objects.exists():
        call_command("demo")


def demo_is_loaded() -> bool:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.filter(email=DEMO_ADMIN).exists()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")
    prepare(state.var_dir())
