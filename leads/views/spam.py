"""Settings of spam: how strict, whom to let through, whom never."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import keyset_page
from leads.capture import spamrules
from leads.forms.spam import PolicyForm, RuleForm
from leads.models import SpamPolicy, SpamRule
from leads.views.inbox.rows import OFFICE

PAGE = 50


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def spam_settings(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST or None, instance=SpamPolicy.load())
    if request.method == "POST" and form.is_valid():
        spamrules.set_policy(**form.cleaned_data)
        messages.success(request, "Saved. New captures are judged by it.")
        return redirect("spam-settings")
    return show(request, form, RuleForm())


def show(request: HttpRequest, policy: PolicyForm, rule: RuleForm) -> HttpResponse:
    found = SpamRule.objects.select_related("by", "learned_from")
    page = keyset_page(found, ordering=["-pk"], size=PAGE, cursor=request.GET.get("cursor") or None)
    context = {"form": policy, "rule_form": rule, "page": page}
    failed = policy.errors or rule.errors
    return render(request, "leads/inbox/spam.html", context, status=422 if failed else 200)


@role_required(*OFFICE)
@require_POST
def add_rule(request: HttpRequest) -> HttpResponse:
    form = RuleForm(request.POST)
    if not form.is_valid():
        return show(request, PolicyForm(instance=SpamPolicy.load()), form)
    rule = spamrules.set_rule(by=user_of(request), **form.cleaned_data)
    verb = "let through" if rule.kind == SpamRule.Kind.ALLOW else "quarantined"
    messages.success(request, f"What comes from {rule.value} is {verb} from now on.")
    return redirect("spam-settings")


@role_required(*OFFICE)
@require_POST
def delete_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = spamrules.forget_rule(rule_id)
    if rule is None:
        raise NotFound
    messages.success(request, f"{rule.value} is judged like everybody else again.")
    return redirect("spam-settings")
