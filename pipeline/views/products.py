"""The catalogue: products and their categories, kept by managers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required
from leadcrm.accounts.models import Role, Workspace
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.pagination import keyset_page
from pipeline.actions import products as actions
from pipeline.forms import show_refusal
from pipeline.forms.deals import ProductForm, product_initial
from pipeline.models import Product, ProductCategory
from pipeline.queries import selling
from pipeline.views.doors import done

PAGE = "/settings/products/"
keepers = role_required(Role.MANAGER)
get_or_post = require_http_methods(["GET", "POST"])


@keepers
@require_GET
def product_list(request: HttpRequest) -> HttpResponse:
    archived = "archived" in request.GET
    found = selling.products(archived=True).filter(archived_at__isnull=not archived)
    page = keyset_page(found, ordering=["name", "pk"], size=50, cursor=request.GET.get("cursor"))
    context = {"page": page, "categories": selling.categories(), "archived": archived}
    return render(request, "pipeline/settings/products.html", context)


@keepers
@get_or_post
def product_new(request: HttpRequest) -> HttpResponse:
    start = {"currency": Workspace.load().currency, "billing": Product.Billing.ONCE}
    return product_form(request, ProductForm(request.POST or None, initial=start), None)


@keepers
@get_or_post
def product_edit(request: HttpRequest, product_id: str) -> HttpResponse:
    product = Product.objects.filter(public_id=product_id).first()
    if product is None:
        raise NotFound
    if deed := request.POST.get("do"):
        archived = deed == "archive"
        actions.archive_product(product, at=timezone.now() if archived else None)
        words = "is no longer sold" if archived else "is sold again"
        return done(request, f"“{product}” {words}.", to=PAGE)
    form = ProductForm(request.POST or None, initial=product_initial(product))
    return product_form(request, form, product)


def product_form(request: HttpRequest, form: ProductForm, product: Product | None) -> HttpResponse:
    if form.is_valid():
        try:
            saved = actions.save_product(product=product, **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, f"Saved “{saved}”.", to=PAGE)
    status = 422 if form.errors else 200
    context = {"form": form, "product": product}
    return render(request, "pipeline/settings/product.html", context, status=status)


@keepers
@require_POST
def categories(request: HttpRequest) -> HttpResponse:
    key = request.POST.get("remove", "")
    if key:
        known = int(key) if key.isascii() and key.isdigit() and len(key) < 18 else 0
        category = ProductCategory.objects.filter(pk=known).first()
        if category is None:
            raise NotFound
        actions.remove_category(category)
        return done(request, f"“{category}” is gone; its products stay.", to=PAGE)
    made = actions.add_category(request.POST.get("name", ""))
    return done(request, f"Added “{made}”.", to=PAGE)
