# SPDX-License-Identifier: Apache-2.0
"""What is said of products, in the words of the user."""

from collections.abc import Mapping
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ims_glance.dashboard import words

CATEGORIES: Mapping[str, Any] = {
    "operating system": gettext_lazy("Operating system"),
    "database": gettext_lazy("Database"),
    "middleware": gettext_lazy("Middleware"),
    "development": gettext_lazy("Development"),
    "security": gettext_lazy("Security"),
    "network": pgettext_lazy("category of products", "Network"),
    "storage": gettext_lazy("Storage"),
    "analytics": gettext_lazy("Analytics"),
    "machine learning": gettext_lazy("Machine learning"),
    "business": gettext_lazy("Business"),
    "media": gettext_lazy("Media"),
    "other": pgettext_lazy("category of products", "Other"),
}
PRICES: Mapping[str, Any] = {
    "free": gettext_lazy("Free"),
    "hourly": gettext_lazy("Hourly"),
    "monthly": gettext_lazy("Monthly"),
    "yearly": gettext_lazy("Yearly"),
    "once": gettext_lazy("Paid once"),
    "by usage": gettext_lazy("By usage"),
}
LOGINS: Mapping[str, Any] = {
    "key pair": gettext_lazy("Key pair"),
    "password set by the buyer": gettext_lazy("Password that the buyer sets"),
    "none": pgettext_lazy("how one logs in", "None"),
}
CERTIFICATES: Mapping[str, Any] = {
    "self-test report": gettext_lazy("Self-test report"),
    "software copyright": gettext_lazy("Software copyright"),
    "other": pgettext_lazy("kind of certificate", "Other"),
}
STATES: Mapping[str, Any] = {
    "draft": pgettext_lazy("state of a product", "Draft"),
    "submitted": pgettext_lazy("state of a product", "Submitted"),
    "rejected": pgettext_lazy("state of a product", "Rejected"),
    "listed": pgettext_lazy("state of a product", "Listed"),
    "restricted": pgettext_lazy("state of a product", "Restricted: no new buyers"),
    "withdrawn": pgettext_lazy("state of a product", "Withdrawn"),
}
VERSION_STATES: Mapping[str, Any] = {
    "copying": gettext_lazy("Its image is copied"),
    "in review": gettext_lazy("In review"),
    "listed": pgettext_lazy("state of a product", "Listed"),
    "withdrawn": pgettext_lazy("state of a product", "Withdrawn"),
    "rejected": pgettext_lazy("state of a product", "Rejected"),
    "failed": gettext_lazy("Its image could not be copied"),
    "taken back": gettext_lazy("Taken back"),
}
COPY_STATES: Mapping[str, Any] = {
    "wanted": pgettext_lazy("state of a product's image", "Being copied"),
    "ready": pgettext_lazy("state of a product's image", "There"),
    "failed": pgettext_lazy("state of a product's image", "Failed"),
    "unwanted": pgettext_lazy("state of a product's image", "Being deleted"),
    "gone": pgettext_lazy("state of a product's image", "Deleted"),
}
SUBSCRIPTIONS: Mapping[str, Any] = {
    "active": pgettext_lazy("state of a subscription", "Active"),
    "ended": pgettext_lazy("state of a subscription", "Ended"),
}
ACTIONS: Mapping[str, Any] = {
    "change": pgettext_lazy("done to a product", "Changed"),
    "delete": pgettext_lazy("done to a product", "Deleted"),
    "submit": pgettext_lazy("done to a product", "Submitted"),
    "take back": pgettext_lazy("done to a product", "Taken back"),
    "copied": pgettext_lazy("done to a product", "Image copied"),
    "fail": pgettext_lazy("done to a product", "Image not copied"),
    "approve": pgettext_lazy("done to a product", "Approved"),
    "reject": pgettext_lazy("done to a product", "Rejected"),
    "restrict": pgettext_lazy("done to a product", "Restricted"),
    "withdraw": pgettext_lazy("done to a product", "Withdrawn"),
}
MISSING: Mapping[str, Any] = {
    "name": gettext_lazy("the product's name"),
    "version.name": gettext_lazy("the version's name, such as V1.0"),
    "version.image_id": gettext_lazy("the image: a private one of yours"),
    "basic.logo": gettext_lazy("a logo of 120 x 120 pixels"),
    "basic.introduction": gettext_lazy("an introduction of a few lines, for lists"),
    "basic.description": gettext_lazy("a description"),
    "basic.category": gettext_lazy("a category"),
    "basic.usage_guide.text": gettext_lazy("a guide to its use"),
    "basic.usage_guide.ports": gettext_lazy("the ports that it opens, or that there are none"),
    "basic.usage_guide.login.method": gettext_lazy("how one logs in"),
    "basic.support_scope": gettext_lazy("what support there is"),
    "basic.agreement": gettext_lazy("the agreement with its buyers"),
    "basic.specifications": gettext_lazy("at least one specification"),
    "business.regions": gettext_lazy("the regions that it is offered in"),
    "business.pricing.model": gettext_lazy("how it is paid for"),
    "business.pricing.text": gettext_lazy("what it costs, unless it is free"),
    "business.support_terms": gettext_lazy("the terms of support"),
}


def lines(text: str | None) -> str:
    """A text of somebody else with its lines; what cannot be seen in them is seen."""
    return "\n".join(words.plain(each) for each in (text or "").splitlines())


def moment(text: str | None) -> str:
    """A time of the service inside a sentence."""
    found = words.time(text)
    return str(formats.localize(timezone.template_localtime(found)))


def price(model: str | None, text: str | None) -> str:
    """What a product costs."""
    known = PRICES.get(model or "", model or words.NOTHING)
    return f"{known}: {words.plain(text)}" if text else str(known)


def missing(found: Mapping[str, Any]) -> Any:
    """What a draft lacks, as the service says it."""
    return MISSING.get(str(found.get("field")), found.get("what"))


def facts(
    version: Mapping[str, Any], basic: Mapping[str, Any], business: Mapping[str, Any]
) -> list[tuple[Any, Any]]:
    """What one chooses a product by, line by line; nothing that it does not say."""
    guide, pricing = basic.get("usage_guide") or {}, business.get("pricing") or {}
    login = guide.get("login") or {}
    category, method = basic.get("category"), login.get("method")
    os = version.get("os_version") or version.get("platform") or version.get("os_type")
    known = [
        (_("Version"), words.plain(version.get("name"))),
        (_("OS"), words.plain(os)),
        (_("Architecture"), version.get("architecture")),
        (_("Size"), words.size(version["size"]) if version.get("size") else None),
        (_("Category"), CATEGORIES.get(str(category), category)),
        (_("Regions"), words.plain(", ".join(business.get("regions") or ()))),
        (_("Price"), price(pricing.get("model"), pricing.get("text")) if pricing else None),
        (_("Login"), LOGINS.get(str(method), method)),
        (_("User"), words.plain(login.get("user"))),
        (_("Keywords"), words.plain(", ".join(basic.get("keywords") or ()))),
        *(
            (words.plain(name), words.plain(value))
            for name, value in (basic.get("attributes") or {}).items()
        ),
    ]
    return [(term, value) for term, value in known if value]


def texts(
    version: Mapping[str, Any], basic: Mapping[str, Any], business: Mapping[str, Any]
) -> list[tuple[Any, str]]:
    """What one reads of a product: headings and texts."""
    guide = basic.get("usage_guide") or {}
    known = [
        (_("Description"), basic.get("description")),
        (_("Release Notes"), version.get("release_notes")),
        (_("Usage Guide"), guide.get("text")),
        (_("Scope of Support"), basic.get("support_scope")),
        (_("Terms of Support"), business.get("support_terms")),
    ]
    return [(heading, lines(text)) for heading, text in known if text]


def ports(basic: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ports that it opens."""
    found = (basic.get("usage_guide") or {}).get("ports") or ()
    return [
        {
            "port": each.get("port"),
            "protocol": each.get("protocol") or "tcp",
            "purpose": words.plain(each.get("purpose")),
        }
        for each in found
    ]


def specifications(basic: Mapping[str, Any]) -> list[dict[str, str]]:
    """Of which one is chosen."""
    names = ("sku", "name", "description", "price")
    return [
        {name: words.plain(each.get(name)) for name in names}
        for each in basic.get("specifications") or ()
    ]


def shown(
    version: Mapping[str, Any] | None,
    basic: Mapping[str, Any] | None,
    business: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """A product's text as the template ``_product.html`` has it.

    :param version: with what its image is, if that is known
    """
    version, basic, business = version or {}, basic or {}, business or {}
    return {
        "introduction": words.plain(basic.get("introduction")),
        "facts": facts(version, basic, business),
        "texts": texts(version, basic, business),
        "ports": ports(basic),
        "says_ports": (basic.get("usage_guide") or {}).get("ports") is not None,
        "specifications": specifications(basic),
        "agreement": lines(basic.get("agreement")),
        "has_logo": bool(basic.get("logo")),
    }


def copies(found: Any) -> list[dict[str, Any]]:
    """The service's copies of an image, each in its region; what they wait for, or why they failed."""
    known = []
    for each in found or ():
        state, why = str(each.get("state")), words.plain(each.get("reason"))
        code = each.get("error_code")
        known.append(
            {
                "region": words.plain(each.get("region")),
                "state": COPY_STATES.get(state, state),
                "why": f"{why} ({code})" if why and code else why,
                "image": each.get("image_id"),
            }
        )
    return known


def history(changes: Any) -> list[dict[str, Any]]:
    """What became of a product, the newest first."""
    return [
        {
            "at": words.time(each.get("at")),
            "action": ACTIONS.get(str(each.get("action")), each.get("action")),
            "from": STATES.get(str(each.get("from")), each.get("from")),
            "to": STATES.get(str(each.get("to")), each.get("to")),
            "why": lines(each.get("why")),
        }
        for each in reversed(changes or [])
    ]


def reviews(decisions: Any) -> list[dict[str, Any]]:
    """What reviewers said, the newest first."""
    return [
        {
            "at": words.time(each.get("decided_at")),
            "decision": ACTIONS.get(str(each.get("decision")), each.get("decision")),
            "reasons": lines(each.get("reasons")),
        }
        for each in reversed(decisions or [])
    ]
