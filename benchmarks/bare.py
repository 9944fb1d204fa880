"""The least a server can do that keeps what it is sent: one INSERT, committed, for each request."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

TABLE = (
    "CREATE TABLE IF NOT EXISTS bench_capture (id bigserial PRIMARY KEY, body text, at timestamptz)"
)


@csrf_exempt
def keep(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bench_capture (body, at) VALUES (%s, now())", [request.body.decode()]
            )
    return HttpResponse("kept", status=202)


urlpatterns = [re_path("", keep)]
