"""Names. Who has which is read from a projection; what happened, and what lies behind, from the log."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from demo_project.behind import Behind, behind
from demo_project.command_form import FindForm
from demo_project.live import feed_of
from demo_project.registration.domain import (
    ChangeUsername,
    RegisterUsername,
    change_context,
    facts_of_member,
    folded,
    registration_context,
    usernames,
)
from demo_project.registration.forms import ACTIONS, MemberForm, RegisterForm, RushForm
from demo_project.registration.models import RegisteredMember
from demo_project.registration.rush import rush
from factos_django import InvalidTag, Recorded
from factos_django.store import read

__all__ = ["home", "member", "rush_at"]

MEMBERS_SHOWN = 20
FACTS_SHOWN = 20

#: What the page asks about, before anybody has asked for something, and who asks then.
SOME_NAME, SOMEBODY = "Renata", "somebody-new"


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The names; a POST registers one, or, if it has ``ask``, only shows what would come of it."""
    form = RegisterForm(request.POST if request.method == "POST" else None)
    if "ask" in request.POST:
        form.check()
    elif form.is_bound and form.sent(request) is not None:
        return redirect("registration:member", form.member)
    find = FindForm(request.GET)
    found = RegisteredMember.objects.filter(folded__startswith=folded(find.found()))
    context = {
        "form": form,
        "rush": RushForm(initial={"username": SOME_NAME, "crowd": 50}, auto_id="rush-%s"),
        "find": find,
        "members": found.order_by("-factos_position")[:MEMBERS_SHOWN],
        "most": MEMBERS_SHOWN,
        "behind": form.behind() or _behind_registration(),
    }
    return render(request, "registration/home.html", context, status=form.status)


@require_POST
def rush_at(request: HttpRequest) -> HttpResponse:
    """Let many register one name at once, and tell what came of it."""
    form = RushForm(request.POST)
    if form.is_valid():
        done = rush(form.cleaned_data["username"], form.cleaned_data["crowd"])
        (messages.success if done.is_as_it_should_be else messages.error)(request, done.in_words())
    else:
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.warning(request, f"Nothing was recorded: {said}")
    return redirect("registration:home")


@require_http_methods(["GET", "HEAD", "POST"])
def member(request: HttpRequest, member: str) -> HttpResponse:
    """One member; a POST does there what its ``do`` says. ``?parts``: only what changes there."""
    facts = _facts_of(member)
    form = None
    if request.method == "POST":
        form = _asked(request, member)
        if form is None:
            return redirect("registration:member", member)
    context = {
        "member": member,
        "row": RegisteredMember.objects.filter(pk=member).first(),
        "facts": facts,
        "shown": FACTS_SHOWN,
        "behind": (form and form.behind()) or _behind_change(member),
    }
    if "parts" in request.GET:
        return render(request, "registration/parts.html", context)
    context |= _around(member, form)
    return render(request, "registration/member.html", context, status=form.status if form else 200)


def _asked(request: HttpRequest, member: str) -> MemberForm | None:
    """Do what a POST asks for. Return the form that is to be shown again; None: it is done."""
    action = request.POST.get("do", "")
    if action not in ACTIONS:
        raise Http404("There is no such thing to do.")
    form = ACTIONS[action](member, request.POST)
    return form if form.sent(request) is None else None


def _facts_of(member: str) -> list[Recorded[Any]]:
    """Return the latest facts of a member, newest first; who has none is not found."""
    try:
        facts = list(read(facts_of_member(member), backwards=True, limit=FACTS_SHOWN))
    except InvalidTag as error:
        raise Http404("There is no such member.") from error
    if not facts and not RegisteredMember.objects.filter(pk=member).exists():
        raise Http404("There is no such member.")
    return facts


def _around(member: str, again: MemberForm | None) -> dict[str, Any]:
    """Return what stands around the parts that change: the forms, that which is shown again among them."""
    fresh = {action: form(member) for action, form in ACTIONS.items()}
    return {
        "forms": fresh | ({again.action: again} if again else {}),
        "feed": feed_of(facts_of_member(member).items[0]),
    }


def _behind_registration() -> Behind[Any, Any]:
    command = RegisterUsername(SOMEBODY, SOME_NAME)
    return behind(command, decider=usernames, query=registration_context)


def _behind_change(member: str) -> Behind[Any, Any]:
    return behind(ChangeUsername(member, SOME_NAME), decider=usernames, query=change_context)
