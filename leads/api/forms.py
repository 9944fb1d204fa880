"""Forms for programs, to read."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.lib import api_pages
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import keyset_page
from leads.queries.forms import forms
from leads.serializers.forms import FormPageSerializer, FormSerializer


class FormsView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="forms_list",
        summary="List forms",
        tags=["forms"],
        parameters=api_pages.PARAMETERS,
        responses=FormPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = keyset_page(
            forms(),
            ordering=["name", "pk"],
            size=api_pages.size_of(request),
            cursor=request.query_params.get("cursor"),
        )
        return api_pages.answer(request, page, lambda row: FormSerializer(row).data)


class FormView(APIView):
    scope = "leads"

    @extend_schema(
        operation_id="forms_retrieve",
        summary="Get a form",
        tags=["forms"],
        responses=FormSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        form = forms().filter(slug=slug).first()
        if form is None:
            raise NotFound
        return Response(FormSerializer(form).data)


urlpatterns = [
    path("forms/", FormsView.as_view(), name="api-forms"),
    path("forms/<slug:slug>/", FormView.as_view(), name="api-form"),
]
