"""django-oauth-toolkit checking a bearer token before a view that answers a small JSON; it logs and judges nothing.

Installed into `.bench/django` by the benchmark. `DJANGO_DATABASE` is a file for SQLite; without one it is PostgreSQL
at the port `DJANGO_POSTGRES_PORT`.
"""

import os
import sys
from datetime import timedelta
from importlib import import_module
from typing import Any

TOKEN = "a-token-of-the-benchmark"


def application() -> Any:
    """Return the WSGI application.

    Without a cache, sessions or other middleware: the check alone.
    """
    _configure()
    return import_module("django.core.wsgi").get_wsgi_application()


def prepare() -> None:
    """Make the tables, and a token that lasts for a day."""
    _configure()
    import_module("django").setup()
    import_module("django.core.management").call_command("migrate", verbosity=0)
    made, users = import_module("oauth2_provider.models"), import_module("django.contrib.auth.models")
    user = users.User.objects.create(username="somebody")
    client = made.Application.objects.create(name="bench", user=user, client_type="confidential")
    expires = import_module("django.utils.timezone").now() + timedelta(days=1)
    made.AccessToken.objects.create(user=user, token=TOKEN, application=client, expires=expires, scope="read")


def _configure() -> None:
    settings = import_module("django.conf").settings
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY=os.urandom(16).hex(),
        DEBUG=False,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": _database()},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        MIDDLEWARE=[],
        OAUTH2_PROVIDER={"SCOPES": {"read": "read"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )

    globals()["urlpatterns"] = [import_module("django.urls").path("hello", _protected)]


def _protected(request: Any) -> Any:
    # Django has to be set up before this is imported, and each process does so when it builds the application.
    return import_module("oauth2_provider.decorators").protected_resource(scopes=["read"])(_view)(request)


def _view(_request: Any) -> Any:
    return import_module("django.http").JsonResponse({"hello": "world"})


def _database() -> dict[str, Any]:
    file = os.environ.get("DJANGO_DATABASE")
    kept_open = {"CONN_MAX_AGE": None}
    if file:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, **kept_open}
    place = {"HOST": "127.0.0.1", "PORT": os.environ["DJANGO_POSTGRES_PORT"], "USER": "broker", "NAME": "postgres"}
    return {"ENGINE": "django.db.backends.postgresql", **place, **kept_open}


if __name__ == "__main__" and sys.argv[1:] == ["prepare"]:
    prepare()
