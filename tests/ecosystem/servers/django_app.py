"""The guide's view, with the settings and the URLs that make a Django application of it."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

from tests.ecosystem.support import run_guide

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="for a test", USE_TZ=True)
django.setup()
views = run_guide("frameworks.md", "Django")
urlpatterns = [path("accounts/<str:account_id>", views["account"])]
app = get_wsgi_application()
