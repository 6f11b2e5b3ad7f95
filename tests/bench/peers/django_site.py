"""django-oauth-toolkit checking a bearer token before a view that answers a small JSON; it logs and judges nothing.

Installed into `.bench/django` by the benchmark. `DJANGO_DATABASE` is a file for SQLite; without one it is PostgreSQL
at the port `DJANGO_POSTGRES_PORT`.
"""

import os
import sys
from datetime import timedelta
from typing import Any

TOKEN = "a-token-of-the-benchmark"


def application() -> Any:
    """Return the WSGI application.

    Without a cache, sessions or other middleware: the check alone.
    """
    _configure()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def prepare() -> None:
    """Make the tables, and a token that lasts for a day."""
    _configure()
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application

    call_command("migrate", verbosity=0)
    user = User.objects.create(username="somebody")
    client = Application.objects.create(name="bench", user=user, client_type="confidential")
    expires = timezone.now() + timedelta(days=1)
    AccessToken.objects.create(user=user, token=TOKEN, application=client, expires=expires, scope="read")


def _configure() -> None:
    from django.conf import settings
    from django.http import JsonResponse
    from django.urls import path

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

    def view(_request: Any) -> Any:
        return JsonResponse({"hello": "world"})

    def protected(request: Any) -> Any:
        from oauth2_provider.decorators import protected_resource

        return protected_resource(scopes=["read"])(view)(request)

    globals()["urlpatterns"] = [path("hello", protected)]


def _database() -> dict[str, Any]:
    file = os.environ.get("DJANGO_DATABASE")
    kept_open = {"CONN_MAX_AGE": None}
    if file:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, **kept_open}
    place = {"HOST": "127.0.0.1", "PORT": os.environ["DJANGO_POSTGRES_PORT"], "USER": "broker", "NAME": "postgres"}
    return {"ENGINE": "django.db.backends.postgresql", **place, **kept_open}


if __name__ == "__main__" and sys.argv[1:] == ["prepare"]:
    prepare()
